"""Hold the lease of a stack, which one run at a time has: a lock file, an S3 object, or a DynamoDB item."""
