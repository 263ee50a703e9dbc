"""Reach AWS: boto3 sessions per account and region, guarded, paced and paged, with errors in plain language."""
