"""The command `outputs`."""
