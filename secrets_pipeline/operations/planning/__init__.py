"""What is asked of a plan beyond its stages: what follows, what is in the way, what was approved, what is left out."""
