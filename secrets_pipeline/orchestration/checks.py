"""Define the asset checks: is AWS as declared, do values, connections and logins hold; with all others, `CHECKS`."""

import dagster as dg

from secrets_pipeline.operations.as_declared import as_declared
from secrets_pipeline.operations.mark_checks import marks_verify
from secrets_pipeline.orchestration.access.checks import ACCESS_CHECKS
from secrets_pipeline.orchestration.provisioning.assets import STAGE_ASSETS
from secrets_pipeline.orchestration.rotation.checks import ROTATION_CHECKS
from secrets_pipeline.orchestration.verification.stack_check import Find, stack_check
from secrets_pipeline.reconcilers.connection.checks import connections
from secrets_pipeline.reconcilers.consumer.checks import consumers_started_after_rotation
from secrets_pipeline.reconcilers.database.checks import logins
from secrets_pipeline.reconcilers.secret_value.checks import current_values

_DECLARED = (
    "kms_keys",
    "secret_policies",
    "rotation_functions",
    "rotation_event_queue",
    "secret_rotation",
    "secret_replicas",
    "consumer_policies",
    "consumer_arns",
)


def _declared(stage: str) -> Find:
    return lambda stack, deep: as_declared(stack, stage, deep=deep)


CHECKS: tuple[dg.AssetChecksDefinition, ...] = (
    stack_check(
        name="secrets_have_current_values",
        asset=STAGE_ASSETS["secrets"],
        stages=("secrets",),
        description="Each secret exists with a current value under the declared KMS key.",
        find=lambda stack, _deep: current_values(stack, connections=False),
    ),
    stack_check(
        name="marks_verify",
        asset=STAGE_ASSETS["secrets"],
        stages=(),
        description="What carries our tags, secret, key, database or function, carries a mark that proves them.",
        find=lambda stack, _deep: marks_verify(stack),
    ),
    stack_check(
        name="database_login_works",
        asset=STAGE_ASSETS["rds_endpoints"],
        stages=("rds_instances", "rds_endpoints"),
        description="Each database accepts the password in its secret.",
        find=lambda stack, deep: logins(stack, deep=deep),
    ),
    stack_check(
        name="connections_match_endpoints",
        asset=STAGE_ASSETS["connection_secrets"],
        stages=("connection_secrets",),
        description="Each connection secret exists under the declared key and says what database and credentials say.",
        find=lambda stack, deep: [*current_values(stack, connections=True), *connections(stack, deep=deep)],
    ),
    *(
        stack_check(
            name=f"{stage}_as_declared",
            asset=STAGE_ASSETS[stage],
            stages=(),
            description="AWS is as the stack declares it.",
            find=_declared(stage),
        )
        for stage in _DECLARED
    ),
    stack_check(
        name="consumers_started_after_rotation",
        asset=STAGE_ASSETS["consumer_refresh"],
        stages=("secrets", "connection_secrets", "consumer_arns", "consumer_refresh"),
        description="What runs was started after the secrets that it reads got their values.",
        find=lambda stack, _deep: consumers_started_after_rotation(stack),
        else_skipped="Nothing was changed, so no consumer was asked since when it runs: `verify` asks.",
    ),
    *ROTATION_CHECKS,
    *ACCESS_CHECKS,
)
