"""Judge from Dagster's storage alone whether the deployment watches: daemons, ticks, verifications, the queue."""
