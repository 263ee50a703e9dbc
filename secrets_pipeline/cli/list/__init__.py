"""`list`: print what there is, a line each."""
