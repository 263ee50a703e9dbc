"""Hold the lease of a stack, which one run at a time has: a lock file, or an S3 object."""
