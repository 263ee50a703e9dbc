"""Assets, checks, jobs, sensors and schedules, a folder a domain; only the command line knows Dagster besides."""
