"""ARNs, published in SSM Parameter Store."""
