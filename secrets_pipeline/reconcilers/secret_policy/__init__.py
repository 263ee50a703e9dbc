"""Resource policies of secrets."""
