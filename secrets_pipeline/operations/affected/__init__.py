"""Say which stacks differ from those of another commit: what a pull request touches."""
