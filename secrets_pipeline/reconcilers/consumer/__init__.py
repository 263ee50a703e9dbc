"""Consumers: references delivered to them, and what runs with old values started anew."""
