"""Tell the runs of one code location from those of others on the same instance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import dagster as dg

from secrets_pipeline.orchestration.shared.run_requests import Job


@dataclass(frozen=True)
class Own:
    """What belongs to this code location, on an instance that may hold others.

    Attributes:
        jobs: names of its jobs.
        assets: keys of its assets.
        checks: keys of its checks.
    """

    jobs: frozenset[str]
    assets: frozenset[dg.AssetKey]
    checks: frozenset[dg.AssetCheckKey]

    @classmethod
    def of(
        cls,
        jobs: Iterable[Job],
        assets: Iterable[dg.AssetsDefinition],
        checks: Iterable[dg.AssetChecksDefinition],
    ) -> Own:
        """Return what a code location of these definitions owns."""
        return cls(
            jobs=frozenset(job.name for job in jobs),
            assets=frozenset(asset.key for asset in assets),
            checks=frozenset(key for check in checks for key in check.check_keys),
        )

    def includes(self, run: dg.DagsterRun) -> bool:
        """Tell whether a run is one of ours: of a job, or of assets or checks that were chosen in the UI."""
        if run.job_name in self.jobs:
            return True
        return not self.assets.isdisjoint(run.asset_selection or ()) or not self.checks.isdisjoint(
            run.asset_check_selection or ()
        )
