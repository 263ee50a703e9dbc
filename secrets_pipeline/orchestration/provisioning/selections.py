"""List the assets in the order in which a run applies them, and those that follow a rotation."""

from collections.abc import Sequence

import dagster as dg

from secrets_pipeline.orchestration.provisioning.access_matrix import access_matrix_asset
from secrets_pipeline.orchestration.provisioning.assets import stage_assets
from secrets_pipeline.orchestration.provisioning.configuration import generated_passwords_asset, stack_config_asset
from secrets_pipeline.orchestration.provisioning.options import STACK_REPORT
from secrets_pipeline.orchestration.provisioning.report import stack_report_asset
from secrets_pipeline.orchestration.shared.names import ACCESS_MATRIX, Names
from secrets_pipeline.orchestration.verification.stack_check import StackCheck

FOLLOWING = (
    "secrets",
    "rds_endpoints",
    "connection_secrets",
    "consumer_arns",
    "consumer_refresh",
    ACCESS_MATRIX,
    STACK_REPORT,
)
"""What has to be done again when a secret was rotated; a value that is rendered from others may be of either stage."""
FOLLOWING_ENDPOINT = (
    "secrets",
    "rds_endpoints",
    "connection_secrets",
    "secret_policies",
    "rotation_functions",
    "secret_rotation",
    "secret_replicas",
    "consumer_policies",
    "consumer_arns",
    "consumer_refresh",
    ACCESS_MATRIX,
    STACK_REPORT,
)
"""What waits for a database: an apply that made it leaves all of this open, rotation included."""


def assets(names: Names, checks: Sequence[StackCheck]) -> Sequence[dg.AssetsDefinition]:
    """Define every asset, in the order of `ASSETS`; the last one has the checks evaluated."""
    return [
        stack_config_asset(names),
        generated_passwords_asset(names),
        *stage_assets(names),
        access_matrix_asset(names, [one for one in checks if one.stage == ACCESS_MATRIX]),
        stack_report_asset(names, checks),
    ]


def selected(names: Names, some: Sequence[str]) -> dg.AssetSelection:
    """Select assets by name; `stack_report` evaluates their checks."""
    return dg.AssetSelection.assets(*(names.asset(one) for one in some)).without_checks()
