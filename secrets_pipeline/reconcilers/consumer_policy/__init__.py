"""Inline policies of the roles that read."""
