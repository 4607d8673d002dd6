"""What is written down about results."""
