"""Start runs where a deployment runs."""
