"""The command `health`: whether the deployment watches."""
