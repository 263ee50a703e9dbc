"""The command `tree`."""
