"""End runs whose lease of a stack is gone."""
