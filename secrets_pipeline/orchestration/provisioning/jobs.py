"""Define the jobs that apply: provision (every asset), follow_rotation and follow_endpoint (some of them)."""

import dagster as dg

from secrets_pipeline.orchestration.provisioning.selections import ASSETS, FOLLOWING
from secrets_pipeline.orchestration.verification.stack_check import VERIFY_TAG

provision = dg.define_asset_job(
    "provision",
    selection=dg.AssetSelection.assets(*ASSETS),
    description="Make AWS match one stack: every asset, then its checks.",
)

follow_rotation = dg.define_asset_job(
    "follow_rotation",
    # Their checks come with them: logins, connections, who can read.
    selection=dg.AssetSelection.assets(*FOLLOWING),
    tags={VERIFY_TAG: "true"},
    description="After a rotation: log in with the new password, write it into the connection secrets that hold it, "
    "refresh those who read them, and check all that.",
)

follow_endpoint = dg.define_asset_job(
    "follow_endpoint",
    selection=dg.AssetSelection.assets(*FOLLOWING),
    description="What hangs on the databases' endpoints, no more of the YAML: password proven, connections rendered.",
)
