"""What consumers need to read their secrets, and nothing else: policy documents, from names and ARNs alone. Pure."""
