"""Oracle Cloud Infrastructure: Object Storage and Functions."""
