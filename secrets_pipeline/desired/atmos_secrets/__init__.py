"""Secrets that Atmos's own `secrets:` sections declare, and the functions that read what its stores keep."""
