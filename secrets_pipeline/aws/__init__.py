"""boto3 sessions per account and region: guarded, paced, paged, with errors in plain language."""
