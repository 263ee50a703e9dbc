"""Define the jobs that apply: provision (every asset), on_rotation and on_database_change (some of them)."""

from typing import Final

import dagster as dg

from secrets_pipeline.orchestration.provisioning.options import ASSETS
from secrets_pipeline.orchestration.provisioning.selections import FOLLOWING, FOLLOWING_ENDPOINT, selected
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.partition_tags import PartitionTags
from secrets_pipeline.orchestration.shared.priorities import FOLLOW, PROVISION, priority
from secrets_pipeline.orchestration.shared.run_requests import DEEP_TAG, VERIFY_TAG, Job

PROVISION_JOB: Final = "provision"
ON_ROTATION: Final = "on_rotation"
ON_DATABASE_CHANGE: Final = "on_database_change"

_DESCRIPTIONS = {
    PROVISION_JOB: "Make AWS match one stack: every asset, then its checks. With the tag "
    f"`{DEEP_TAG}` what marks vouch for is compared, too.",
    ON_ROTATION: "After a rotation: log in with the new password, write it into the connection secrets that hold "
    "it, refresh those who read them, and check all that.",
    ON_DATABASE_CHANGE: "After a database became available, moved or was restored: prove the password, render "
    "connections, and do what an apply could not do before, rotation included.",
}
_SELECTIONS = {PROVISION_JOB: ASSETS, ON_ROTATION: FOLLOWING, ON_DATABASE_CHANGE: FOLLOWING_ENDPOINT}


def applying_jobs(names: Names, config: PartitionTags) -> list[Job]:
    """Define the three jobs."""
    tags = {
        PROVISION_JOB: priority(PROVISION),
        ON_ROTATION: {**priority(FOLLOW), VERIFY_TAG: "true"},
        ON_DATABASE_CHANGE: priority(FOLLOW),
    }
    return [
        dg.define_asset_job(
            names.of(job),
            selection=selected(names, _SELECTIONS[job]),
            config=config,
            executor_def=dg.in_process_executor,
            tags=dict(tags[job]),
            description=description,
        )
        for job, description in _DESCRIPTIONS.items()
    ]
