"""Read YAML as Go's yaml.v3 does."""
