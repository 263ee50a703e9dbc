"""`atmos.yaml`."""
