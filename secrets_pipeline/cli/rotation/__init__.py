"""The command `rotation package`."""
