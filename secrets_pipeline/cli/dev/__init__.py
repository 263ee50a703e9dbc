"""The command `dev`."""
