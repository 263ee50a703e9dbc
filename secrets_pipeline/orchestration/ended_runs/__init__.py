"""Look once at each run that has ended: alert of it, and have what follows from it done."""
