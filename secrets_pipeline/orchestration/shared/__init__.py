"""Hold what the domains share: resources, partitions, the lock of a stack, run requests, DAGSTER_HOME."""
