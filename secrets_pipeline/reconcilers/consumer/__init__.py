"""Deliver references to consumers, and start anew what runs with old values."""
