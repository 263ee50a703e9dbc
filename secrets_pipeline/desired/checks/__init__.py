"""Checks across the components of a stack, and across the stacks of a repository."""
