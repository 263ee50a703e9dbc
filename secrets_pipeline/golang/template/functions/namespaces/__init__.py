"""Gomplate v3's functions and the namespaces that they are in."""
