"""Real PostgreSQL servers that stand in for RDS's."""

from secrets_pipeline.local.postgres.authority import Authority
from secrets_pipeline.local.postgres.binaries import Binaries, find
from secrets_pipeline.local.postgres.relay import HOST
from secrets_pipeline.local.postgres.server import PostgresServer
from secrets_pipeline.local.postgres.template import ADMINISTRATOR, Template

__all__ = [
    "ADMINISTRATOR",
    "HOST",
    "Authority",
    "Binaries",
    "PostgresServer",
    "Template",
    "find",
]
