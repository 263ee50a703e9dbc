"""Rotation of secrets, as declared."""
