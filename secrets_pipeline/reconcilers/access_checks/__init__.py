"""Check who can read each secret."""
