"""What a stack reaches beyond its own."""
