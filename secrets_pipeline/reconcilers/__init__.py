"""One folder a kind of AWS resource: its desired state beside what is observed, planned, applied and checked."""
