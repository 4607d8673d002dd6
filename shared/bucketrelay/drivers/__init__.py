"""What asks for tasks and says what became of them."""
