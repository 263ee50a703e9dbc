"""Real PostgreSQL servers that stand in for RDS's."""

from secrets_pipeline.local.postgres.binaries import Binaries, Identity, find, unprivileged
from secrets_pipeline.local.postgres.server import ADMINISTRATOR, HOST, PostgresServer

__all__ = ["ADMINISTRATOR", "HOST", "Binaries", "Identity", "PostgresServer", "find", "unprivileged"]
