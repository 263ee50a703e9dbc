"""Make an asset of a secret that others depend on, and report its versions."""
