"""Which files of a repository are read, and how: never outside of its base path."""
