"""The command `orphans`."""
