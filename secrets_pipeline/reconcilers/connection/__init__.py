"""Secrets whose values wait for a database."""
