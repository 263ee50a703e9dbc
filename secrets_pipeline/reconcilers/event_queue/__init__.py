"""Make the SQS queue that AWS's events reach, and the EventBridge rules that lead to it."""
