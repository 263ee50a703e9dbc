"""Rotate secrets now: by the secret's function, or by this pipeline where a secret has none."""
