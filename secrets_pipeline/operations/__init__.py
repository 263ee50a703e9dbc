"""What is asked of a whole stack or repository: read it, plan it, apply it, check it, repair it."""
