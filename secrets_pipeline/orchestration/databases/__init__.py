"""Follow databases that moved."""
