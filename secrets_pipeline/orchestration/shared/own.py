"""Tell the runs of one code location from those of others on the same instance."""

from dataclasses import dataclass

import dagster as dg


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

    def includes(self, run: dg.DagsterRun) -> bool:
        """Tell whether a run is one of ours: of a job, or of assets or checks that were chosen in the UI."""
        if run.job_name in self.jobs:
            return True
        return not self.assets.isdisjoint(run.asset_selection or ()) or not self.checks.isdisjoint(
            run.asset_check_selection or ()
        )
