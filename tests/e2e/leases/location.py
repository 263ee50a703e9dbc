"""The code location as it is, and a sensor that asks once for an apply of the stack that a test names."""

import os

import dagster as dg

from secrets_pipeline.orchestration.build import build_definitions
from tests.e2e.leases.short import shorten

shorten()


@dg.sensor(job_name="provision", minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def asks_once() -> dg.RunRequest:
    """Ask."""
    return dg.RunRequest(run_key="once", tags={"dagster/partition": os.environ["ASKED_FOR"]})


defs = dg.Definitions.merge(build_definitions(), dg.Definitions(sensors=[asks_once]))
