"""Keep the partitions in step with the YAML."""
