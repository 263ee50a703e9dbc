"""What each emulator cannot do, and why: the one table that a run is compared with.

A gap is found by the check or stage, the kind and the type of reason that the command's JSON has, never by a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.backends.judgement import Gap

_FIRST, _CORE_FIRST, _VERIFY = "checks of the first apply", "core: checks of the first apply", "verify --probe"
_IDLE, _IDLE_PLAN, _FUNCTION = "second apply is idle", "plan when idle", "rotate by the function"
_NOT_FOUND = "AwsError GetSecretValue ResourceNotFoundException"


def _of(id_: str, reason: str, *seen: tuple[str, str, str, str]) -> Iterable[Gap]:
    """One fault of an emulator: (capability, part, kind, type of reason) of each place where it shows."""
    return (Gap(id_, *place, reason) for place in seen)


def _no_server(id_: str) -> Iterable[Gap]:
    return _of(
        id_,
        "RDS is the API alone: no server is behind the endpoint, and `database_logins: false` says so",
        (_FIRST, "database_login_works", "waiting", "LoginsOff"),
        (_CORE_FIRST, "database_login_works", "waiting", "LoginsOff"),
        (_VERIFY, "database_login_works", "waiting", "LoginsOff"),
        (_VERIFY, "credentials_log_in", "waiting", "LoginsOff"),
    )


def _not_by_arn(id_: str) -> Iterable[Gap]:
    return _of(
        id_,
        "GetSecretValue by ARN from another account finds no secret",
        (_VERIFY, "probe_agrees", "waiting", _NOT_FOUND),
    )


GAPS: Mapping[str, Sequence[Gap]] = {
    "moto": (
        *_of(
            "O1",
            "ScheduleExpression is ignored, so that such a rotation is never on; RotateSecret leaves `AWSCURRENT` on a "
            "version without a value",
            ("first apply", "stack_report", "commit blocked", "skipped Because"),
            (_IDLE, "secret_rotation", "rotation create", "applied Because"),
            (_IDLE, "stack_report", "commit blocked", "skipped Because"),
            (_IDLE_PLAN, "secret_rotation", "rotation create", "Because"),
            *(
                place
                for capability in (_FIRST, _VERIFY)
                for place in (
                    (capability, "rotation_function_invokable", "waiting", "RotationOff"),
                    (capability, "rotation_not_overdue", "waiting", "RotationOff"),
                    (capability, "secret_rotation_as_declared", "wrong", "Because"),
                )
            ),
            (_FUNCTION, "secret_rotation", "rotation rotate", "failed AwsError"),
            (_FUNCTION, "value", "", "ResourceNotFoundException"),
        ),
        *_of(
            "O2",
            "UpdateFunctionConfiguration leaves LastModified as it was, and ListSecretVersionIds dates every version "
            "now: no function is seen to have started after its secrets",
            (_FIRST, "consumers_started_after_rotation", "wrong", "NotStartedAnew"),
            (_VERIFY, "consumers_started_after_rotation", "wrong", "NotStartedAnew"),
        ),
        *_of(
            "O3",
            "deployments of an ECS service keep their date and task definition: each apply starts it anew",
            (_IDLE, "consumer_refresh", "refresh update", "applied Because"),
            (_IDLE_PLAN, "consumer_refresh", "refresh update", "Because"),
        ),
        *_of(
            "O4",
            "`alias/aws/secretsmanager` lacks AWS's key policy, which lets in everybody whom Secrets Manager lets in",
            (_CORE_FIRST, "consumers_can_read", "wrong", "DeniedByKms identity policy"),
        ),
        *_of("O5", "Secrets Manager emits no events", ("event reaches the queue", "event", "", "")),
        *_not_by_arn("O6"),
        *_no_server("O7"),
    ),
    "ministack": (
        *_of(
            "M1",
            "ListSecrets omits KmsKeyId, RotationLambdaARN and RotationRules: lists show the default key and no rules",
            (_IDLE, "secrets", "secret update", "applied ChangedOutside"),
            (_IDLE, "connection_secrets", "secret update", "applied ChangedOutside"),
            (_IDLE_PLAN, "secrets", "secret update", "ChangedOutside"),
            (_IDLE_PLAN, "connection_secrets", "secret update", "ChangedOutside"),
            (_IDLE_PLAN, "rds_endpoints", "database-endpoint update", "Follows"),
            (_IDLE_PLAN, "rotation_functions", "rotation-function update", "Follows"),
            (_IDLE_PLAN, "secret_rotation", "rotation update", "ChangedOutside"),
            (_IDLE_PLAN, "consumer_refresh", "refresh update", "Follows"),
        ),
        *_of(
            "M3",
            "RotateSecret calls no function: it copies the value, at once where RotateImmediately is false too, and "
            "sets no dates",
            (_FIRST, "connections_match_endpoints", "wrong", "NotRenderedAnew"),
            (_IDLE, "secrets", "secret update", "applied ChangedOutside, Because"),
            (_IDLE, "connection_secrets", "secret update", "applied ChangedOutside, Because"),
            (_FUNCTION, "secret_rotation", "rotation rotate", "failed AwsError"),
            (_FUNCTION, "value", "", ""),
        ),
        *_not_by_arn("M7"),
        *_of(
            "M8",
            "there is no `alias/aws/secretsmanager`, so nobody can tell who may read secrets under it",
            (_CORE_FIRST, "consumers_can_read", "waiting", "Unknown KMS key"),
            (_CORE_FIRST, "nobody_else_can_read", "waiting", "Unknown KMS key"),
            (_CORE_FIRST, "policies_are_not_public", "waiting", "UnreadPolicies"),
        ),
        *_no_server("M9"),
    ),
}
