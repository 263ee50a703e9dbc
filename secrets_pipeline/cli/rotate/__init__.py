"""The command `rotate`."""
