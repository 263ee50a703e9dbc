"""Make AWS match a stack: one asset a stage."""
