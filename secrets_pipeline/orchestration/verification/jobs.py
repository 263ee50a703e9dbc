"""Define the job `verify`: it runs every asset check of one stack."""

import dagster as dg

from secrets_pipeline.orchestration.verification.stack_check import VERIFY_TAG

verify = dg.define_asset_job(
    "verify",
    selection=dg.AssetSelection.all_asset_checks(),
    tags={VERIFY_TAG: "true"},
    description="Every check of one stack, values and logins included; launch it with the tag dagster/partition.",
)
