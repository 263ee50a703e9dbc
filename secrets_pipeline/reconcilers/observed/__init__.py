"""What AWS holds, read once a run."""
