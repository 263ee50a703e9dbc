"""YAML functions, and what they are evaluated with."""
