"""Write secrets whose values wait for a database."""
