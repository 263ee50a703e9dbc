"""The mark of a finished secret."""
