"""Databases of stacks that nobody declares any more."""
