"""Databases that moved."""
