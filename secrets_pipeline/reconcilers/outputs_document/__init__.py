"""Publish ARNs in SSM Parameter Store."""
