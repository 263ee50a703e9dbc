"""What each emulator cannot do, and why: the one table that a run is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.backends.judgement import Gap

_FIRST, _CORE_FIRST, _VERIFY = "checks of the first apply", "core: checks of the first apply", "verify --probe"
_IDLE, _IDLE_PLAN, _FUNCTION = "second apply is idle", "plan when idle", "rotate by the function"
_ROTATION_IS_OFF = r"rotation is (not switched on yet|off → cron)"
_NO_KEY = "DescribeKey alias/aws/secretsmanager failed: NotFoundException"


def _of(id_: str, reason: str, *seen: tuple[str, str, str]) -> Iterable[Gap]:
    """One fault of an emulator: (capability, part, what is found in what is seen) of each place where it shows."""
    return (Gap(id_, capability, what, says, reason) for capability, what, says in seen)


def _no_server(id_: str) -> Iterable[Gap]:
    return _of(
        id_,
        "RDS is the API alone: no server is behind the endpoint, and `database_logins: false` says so",
        (_FIRST, "database_login_works", "database_logins is off"),
        (_CORE_FIRST, "database_login_works", "database_logins is off"),
        (_VERIFY, "database_login_works", "database_logins is off"),
        (_VERIFY, "credentials_log_in", "database_logins is off"),
    )


_NOT_BY_ARN = "GetSecretValue by ARN from another account finds no secret"

GAPS: Mapping[str, Sequence[Gap]] = {
    "moto": (
        *_of(
            "O1",
            "ScheduleExpression is ignored, so that such a rotation is never on; RotateSecret leaves AWSCURRENT on a "
            "version without a value",
            ("first apply", "stack_report", "not finished: rotation"),
            (_FIRST, "rotation_function_invokable", _ROTATION_IS_OFF),
            (_FIRST, "rotation_not_overdue", _ROTATION_IS_OFF),
            (_FIRST, "secret_rotation_as_declared", _ROTATION_IS_OFF),
            (_IDLE, "secret_rotation", r"applied: cron\("),
            (_IDLE, "stack_report", "not finished: rotation"),
            (_IDLE_PLAN, "secret_rotation", _ROTATION_IS_OFF),
            (_VERIFY, "rotation_function_invokable", _ROTATION_IS_OFF),
            (_VERIFY, "rotation_not_overdue", _ROTATION_IS_OFF),
            (_VERIFY, "secret_rotation_as_declared", _ROTATION_IS_OFF),
            (_FUNCTION, "outcome", "holds no value"),
            (_FUNCTION, "value", "AWSCURRENT"),
        ),
        *_of(
            "O2",
            "UpdateFunctionConfiguration leaves LastModified as it was, and ListSecretVersionIds dates every version "
            "now: no function is seen to have started after its secrets",
            (_FIRST, "consumers_started_after_rotation", "lambda .* runs since"),
            (_VERIFY, "consumers_started_after_rotation", "lambda .* runs since"),
        ),
        *_of(
            "O3",
            "deployments of an ECS service keep their date and task definition: it is started anew by each apply",
            (_IDLE, "consumer_refresh", "ecs .* applied: started anew"),
            (_IDLE, "consumer_refresh", "/refreshed applied: 1 of 2 consumers"),
            (_IDLE_PLAN, "consumer_refresh", "ecs .* started before it"),
            (_IDLE_PLAN, "consumer_refresh", "/refreshed update: .* is not noted yet"),
        ),
        *_of(
            "O4",
            "alias/aws/secretsmanager has not AWS's key policy, which lets whoever Secrets Manager lets",
            (_CORE_FIRST, "consumers_can_read", "Secrets Manager lets it, but no identity policy allows kms:Decrypt"),
        ),
        *_of("O5", "Secrets Manager emits no events", ("event reaches the queue", "", "no event of the secret")),
        *_of("O6", _NOT_BY_ARN, (_VERIFY, "probe_agrees", "reports: GetSecretValue .* ResourceNotFoundException")),
        *_no_server("O7"),
    ),
    "ministack": (
        *_of(
            "M1",
            "ListSecrets omits KmsKeyId, RotationLambdaARN and RotationRules: lists show the default key and no rules",
            (_IDLE, "secrets", "nothing differed any more"),
            (_IDLE, "connection_secrets", "nothing differed any more"),
            (_IDLE_PLAN, "secrets", "kms key differs: default →"),
            (_IDLE_PLAN, "connection_secrets", "kms key differs: default →"),
            (_IDLE_PLAN, "secret_rotation", "rotation function differs: None →"),
            (_VERIFY, "connections_match_endpoints", "is encrypted under the default key"),
            (_VERIFY, "foreign_readers_can_read", "the default key aws/secretsmanager never serves another account"),
        ),
        *_of(
            "M3",
            "RotateSecret calls no function: it copies the value, at once where RotateImmediately is false too, and "
            "sets no dates",
            (_FIRST, "connections_match_endpoints", "was rendered from another endpoint or another credentials"),
            (_IDLE, "secrets", "myapp/prod/api/oauth-config applied: value"),
            (_IDLE, "connection_secrets", "myapp/prod/database/connection applied: value"),
            (_IDLE, "consumer_refresh", "-prod.* applied: started anew|myapp-prod/refreshed applied: 1 of 2 consumers"),
            (_IDLE_PLAN, "consumer_refresh", "myapp-prod/refreshed update: .* is not noted yet"),
            (_FUNCTION, "outcome", "holds the value of the one before"),
            (_FUNCTION, "value", "holds the value of the one before"),
        ),
        *_of("M7", _NOT_BY_ARN, (_VERIFY, "probe_agrees", "reports: GetSecretValue .* ResourceNotFoundException")),
        *_of(
            "M8",
            "there is no alias/aws/secretsmanager, so what may be read under it is not known",
            *(
                (capability, check, _NO_KEY)
                for capability in (_FIRST, _CORE_FIRST, _VERIFY)
                for check in ("consumers_can_read", "nobody_else_can_read", "policies_are_not_public")
            ),
        ),
        *_no_server("M9"),
    ),
}
