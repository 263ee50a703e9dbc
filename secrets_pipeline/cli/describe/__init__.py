"""The command `describe`."""
