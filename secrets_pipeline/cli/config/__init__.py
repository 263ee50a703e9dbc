"""`config`: what is in force, and from where."""
