"""Partitions, kept in step with the YAML."""
