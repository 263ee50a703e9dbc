"""The experiment: measure on AWS what this project believes of it, with throw-away resources; every step is data."""
