"""YAML as Go's yaml.v3 reads it."""
