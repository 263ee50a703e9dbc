"""Create RDS instances and Aurora clusters, mark them, and prove their master passwords."""
