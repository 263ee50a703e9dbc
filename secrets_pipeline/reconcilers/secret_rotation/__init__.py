"""Rotation rules of secrets."""
