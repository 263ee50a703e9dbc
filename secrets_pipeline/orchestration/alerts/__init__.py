"""What a human has to know at once."""
