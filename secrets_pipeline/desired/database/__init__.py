"""`rds` components."""
