"""Security Hub's controls SecretsManager.1 to .5, judged over a snapshot."""
