"""Who can read each secret, as checks."""
