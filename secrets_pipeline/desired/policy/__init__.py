"""Policy documents in YAML."""
