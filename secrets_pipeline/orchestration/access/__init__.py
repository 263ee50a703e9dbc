"""Check who can read the secrets, and narrow policies that somebody widened."""
