"""Judge the deployment whose storage DAGSTER_HOME names, for the command line."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from secrets_pipeline.orchestration.checks import CHECKS
from secrets_pipeline.orchestration.health.judgement import judge
from secrets_pipeline.orchestration.health.model import Finding, HealthBounds
from secrets_pipeline.orchestration.health.reading import DeploymentReader
from secrets_pipeline.orchestration.in_process.instance import open_instance
from secrets_pipeline.orchestration.in_process.running import called
from secrets_pipeline.orchestration.jobs import jobs
from secrets_pipeline.orchestration.provisioning.selections import assets
from secrets_pipeline.orchestration.sensors import sensors, watchers
from secrets_pipeline.orchestration.shared.home import home_folder, is_prepared, storage_errors
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.own import Own
from secrets_pipeline.orchestration.shared.resources import Asked
from secrets_pipeline.orchestration.verification.definitions import check_definitions

_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Health:
    """How the deployment is.

    Attributes:
        home: DAGSTER_HOME, absolute.
        findings: one a part; none if no daemon was ever heard and nothing ever ticked there.
        has_runs: whether there is any run, as the command line makes some without a daemon.
    """

    home: Path
    findings: Sequence[Finding] = ()
    has_runs: bool = False


def look(bounds: HealthBounds) -> Health:
    """Read Dagster's storage and judge it; neither AWS nor the repository is asked.

    Args:
        bounds: from when on something is not well.

    Raises:
        StorageError: if the storage cannot be read.
    """
    home = home_folder()
    if not is_prepared():
        return Health(home)
    names, now = called(), time.time()
    own, defined = _definitions(names)
    since = now - bounds.verified_within_hours * _HOUR
    with storage_errors(), open_instance() as instance:
        reading = DeploymentReader(names, own).read(instance, defined, since=since, now=now)
        if reading.is_empty:
            return Health(home, has_runs=bool(instance.get_runs(limit=1)))
        return Health(home, judge(reading, bounds, now), has_runs=True)


def _definitions(names: Names) -> tuple[Own, frozenset[str]]:
    """Return the code location's definitions, and its sensors and schedules, under the operator's settings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        made = jobs(names)
        own = Own.of(made, assets(names, CHECKS), check_definitions(names, CHECKS))
        return own, watchers(names, sensors(names, made, own, settings=Asked().settings(), retire_many=False))
