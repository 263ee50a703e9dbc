"""KMS keys that left the YAML."""
