"""Alert a human of what has to be known at once."""
