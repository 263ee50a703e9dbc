"""The managed rotation function."""
