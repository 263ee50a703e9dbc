"""Plan and apply: bounded concurrency, dependency order, progress, outcomes."""
