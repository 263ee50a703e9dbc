"""RDS instances and Aurora clusters: made, named, and their master password proven."""
