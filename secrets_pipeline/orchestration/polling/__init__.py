"""Look at AWS from time to time for what no event tells: rotations, databases, rollouts, dead letters."""
