"""Run every check of a stack, on demand and on a schedule."""
