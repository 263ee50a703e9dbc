"""Run real PostgreSQL servers that stand in for RDS's."""

from secrets_pipeline.emulator.postgres.authority import Authority
from secrets_pipeline.emulator.postgres.binaries import Binaries, find, why_not
from secrets_pipeline.emulator.postgres.relay import HOST
from secrets_pipeline.emulator.postgres.server import PostgresServer
from secrets_pipeline.emulator.postgres.template import ADMINISTRATOR, DataFolderTemplate

__all__ = [
    "ADMINISTRATOR",
    "HOST",
    "Authority",
    "Binaries",
    "DataFolderTemplate",
    "PostgresServer",
    "find",
    "why_not",
]
