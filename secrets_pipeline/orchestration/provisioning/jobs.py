"""Define the jobs that apply: provision (every asset), follow_rotation and follow_endpoint (some of them)."""

from typing import Final

import dagster as dg

from secrets_pipeline.orchestration.provisioning.options import ASSETS
from secrets_pipeline.orchestration.provisioning.selections import FOLLOWING, FOLLOWING_ENDPOINT, selected
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.partition_tags import PartitionTags
from secrets_pipeline.orchestration.shared.priorities import FOLLOW, PROVISION, priority
from secrets_pipeline.orchestration.shared.run_requests import DEEP_TAG, VERIFY_TAG, Job

PROVISION_JOB: Final = "provision"
FOLLOW_ROTATION: Final = "follow_rotation"
FOLLOW_ENDPOINT: Final = "follow_endpoint"

_DESCRIPTIONS = {
    PROVISION_JOB: "Make AWS match one stack: every asset, then its checks. With the tag "
    f"`{DEEP_TAG}` what marks vouch for is compared, too.",
    FOLLOW_ROTATION: "After a rotation: log in with the new password, write it into the connection secrets that hold "
    "it, refresh those who read them, and check all that.",
    FOLLOW_ENDPOINT: "What hangs on the databases' endpoints: password proven, connections rendered, and what an apply "
    "could not do before, rotation included.",
}
_SELECTIONS = {PROVISION_JOB: ASSETS, FOLLOW_ROTATION: FOLLOWING, FOLLOW_ENDPOINT: FOLLOWING_ENDPOINT}


def applying_jobs(names: Names, config: PartitionTags) -> list[Job]:
    """Define the three jobs."""
    tags = {
        PROVISION_JOB: priority(PROVISION),
        FOLLOW_ROTATION: {**priority(FOLLOW), VERIFY_TAG: "true"},
        FOLLOW_ENDPOINT: priority(FOLLOW),
    }
    return [
        dg.define_asset_job(
            names.of(job),
            selection=selected(names, _SELECTIONS[job]),
            config=config,
            tags=dict(tags[job]),
            description=description,
        )
        for job, description in _DESCRIPTIONS.items()
    ]
