"""Functions of time, and Go's layouts of it."""
