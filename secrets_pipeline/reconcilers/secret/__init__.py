"""Secrets: name, description, key, tags, and the value at creation."""
