"""The embedded AWS: moto in its own process, made to behave like AWS, with real PostgreSQL servers as RDS."""

from secrets_pipeline.local.calls import Call, calls, reset_calls
from secrets_pipeline.local.lifecycle import LocalAws, start, status, stop
from secrets_pipeline.local.terraform import (
    StandIn,
    StandInFunction,
    StandInRole,
    StandInService,
    StandInStage,
    stand_in,
)

__all__ = [
    "Call",
    "LocalAws",
    "StandIn",
    "StandInFunction",
    "StandInRole",
    "StandInService",
    "StandInStage",
    "calls",
    "reset_calls",
    "stand_in",
    "start",
    "status",
    "stop",
]
