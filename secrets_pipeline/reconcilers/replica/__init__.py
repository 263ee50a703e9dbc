"""Replicas of secrets."""
