"""Follow rotations by events or polling, repair failed ones, and rotate on demand."""
