"""Secrets that left the YAML."""
