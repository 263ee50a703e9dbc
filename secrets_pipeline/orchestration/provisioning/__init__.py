"""Make AWS match a stack: one Dagster asset a stage."""
