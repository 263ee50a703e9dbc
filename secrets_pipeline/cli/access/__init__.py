"""The command `access`."""
