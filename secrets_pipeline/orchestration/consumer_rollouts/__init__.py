"""What consumers that were started anew became."""
