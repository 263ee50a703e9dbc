"""Every check of a stack, on a schedule."""
