"""`secrets-pipeline doctor`: what an apply would meet."""
