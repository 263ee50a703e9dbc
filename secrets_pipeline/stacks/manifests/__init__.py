"""Manifest files: found, read, with all that they import."""
