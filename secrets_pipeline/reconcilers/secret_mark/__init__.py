"""Mark finished secrets."""
