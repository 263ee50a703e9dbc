"""`secretsmanager` components: secrets."""
