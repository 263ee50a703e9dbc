"""`kms` components, and the keys that encrypt secrets."""
