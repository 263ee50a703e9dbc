"""The command `local`."""
