"""From Terraform's state to this project: its secrets as YAML, what Terraform forgets, and in which order."""
