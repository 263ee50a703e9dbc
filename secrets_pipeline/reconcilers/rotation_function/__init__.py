"""Deploy the managed rotation function."""
