"""Read what AWS holds, once a run."""
