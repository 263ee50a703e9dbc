"""List the checks of a stack: is AWS as declared, do values, connections and logins hold; with all others, `CHECKS`."""

from secrets_pipeline.operations.as_declared import as_declared
from secrets_pipeline.operations.mark_checks import marks_verify
from secrets_pipeline.orchestration.access.checks import ACCESS_CHECKS
from secrets_pipeline.orchestration.rotation.checks import ROTATION_CHECKS
from secrets_pipeline.orchestration.verification.stack_check import CURRENT_VALUES, PROBE_TAG, Find, StackCheck
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


DECLARED_CHECKS = tuple(
    StackCheck(
        name=f"{stage}_as_declared",
        stage=stage,
        stages=(),
        description="AWS is as the stack declares it.",
        red="are not as declared",
        find=_declared(stage),
    )
    for stage in _DECLARED
)

CHECKS: tuple[StackCheck, ...] = (
    StackCheck(
        name=CURRENT_VALUES,
        stage="secrets",
        stages=("secrets",),
        description="Each secret exists with a current value under the declared KMS key.",
        red="secrets lack a current value under the declared key",
        find=lambda stack, _deep: current_values(stack, connections=False),
        judges_values=True,
    ),
    StackCheck(
        name="marks_verify",
        stage="secrets",
        stages=(),
        description="What carries our tags, secret, key, database or function, carries a mark that proves them.",
        red="things that carry our tags are not proven to be ours",
        find=lambda stack, _deep: marks_verify(stack),
    ),
    StackCheck(
        name="database_login_works",
        stage="rds_endpoints",
        stages=("rds_instances", "rds_endpoints"),
        description="Each database accepts the password in its secret.",
        red="databases refuse the password",
        find=lambda stack, deep: logins(stack, deep=deep),
        left_to_verify=True,
        judges_values=True,
    ),
    StackCheck(
        name="connections_match_endpoints",
        stage="connection_secrets",
        stages=("connection_secrets",),
        description="Each connection secret exists under the declared key and says what database and credentials say.",
        red="connection secrets do not say what the database says",
        find=lambda stack, deep: [*current_values(stack, connections=True), *connections(stack, deep=deep)],
        left_to_verify=True,
        judges_values=True,
    ),
    *DECLARED_CHECKS,
    StackCheck(
        name="consumers_started_after_rotation",
        stage="consumer_refresh",
        stages=("secrets", "connection_secrets", "consumer_arns", "consumer_refresh"),
        description="What runs was started after the secrets that it reads got their values.",
        red="consumers run with an older value",
        columns=("name", "secret"),
        find=lambda stack, _deep: consumers_started_after_rotation(stack),
        else_skipped="Nothing was changed, so no consumer was asked since when it runs: `verify` asks.",
    ),
    *ROTATION_CHECKS,
    *ACCESS_CHECKS,
)


def defined_checks(*, probe: bool) -> tuple[StackCheck, ...]:
    """Return the checks that a process defines: without a probe, none that could only be skipped."""
    return tuple(one for one in CHECKS if probe or one.tag != PROBE_TAG)
