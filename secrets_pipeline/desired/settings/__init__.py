"""The operator's settings, which stack YAML cannot change."""
