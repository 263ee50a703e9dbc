"""Open, plan, apply, check and repair a whole stack or repository."""
