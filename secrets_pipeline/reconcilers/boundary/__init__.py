"""Check what a stack reaches beyond its own."""
