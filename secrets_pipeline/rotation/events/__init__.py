"""Events of rotations, tampering and databases: read from a queue, and understood."""
