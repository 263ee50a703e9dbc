"""Rotation: the function that performs it, its events, and whether it happens as declared."""
