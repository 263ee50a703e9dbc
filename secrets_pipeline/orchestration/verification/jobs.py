"""Define the job `verify`: it runs every asset check of one stack."""

from collections.abc import Iterable
from typing import Final

import dagster as dg

from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.partition_tags import PartitionTags
from secrets_pipeline.orchestration.shared.priorities import VERIFY, priority
from secrets_pipeline.orchestration.shared.run_requests import VERIFY_TAG, Job
from secrets_pipeline.orchestration.verification.stack_check import PROBE_TAG, StackCheck

VERIFY_JOB: Final = "verify"
_MOST_SECONDS: Final = "1800"
"""Nobody but the clock can tell that a run has died which takes no lease; until then no other of its stack begins."""


def verify_job(names: Names, checks: Iterable[StackCheck], config: PartitionTags) -> Job:
    """Define the job.

    Dagster takes the partitions of a job from its assets, and this one has checks alone. Its config brings them, for
    the launchpad, backfills, and run requests with a partition key.

    Args:
        names: of the code location.
        checks: that it runs. Where one of them is the probe, each run carries the tag that has it ask.
        config: partitions and their tags.
    """
    checks = list(checks)
    probes = {PROBE_TAG: "true"} if any(one.tag == PROBE_TAG for one in checks) else {}
    keys = [dg.AssetCheckKey(names.asset(one.stage), one.name) for one in checks]
    return dg.define_asset_job(
        names.of(VERIFY_JOB),
        selection=dg.AssetSelection.checks(*keys),
        config=config,
        executor_def=dg.in_process_executor,
        tags={**priority(VERIFY), VERIFY_TAG: "true", **probes, "dagster/max_runtime": _MOST_SECONDS},
        description="Every check of the stack whose partition you choose, values and logins included; without one, of "
        "every stack, with one result a check.",
    )
