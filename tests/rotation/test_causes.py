"""Every way in which rotations are known to fail has its name, its remedy, and whether it passes by itself."""

from __future__ import annotations

import pytest

from secrets_pipeline.rotation.causes import Cause, CauseKind, ObservedRotation, cause_of

ARN = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:a/b-AbCdEf"

SAID = [
    # Ours: secrets_pipeline/rotation/lambda_function.
    (
        "RotationError: No database answers at db.example.com:5432: TimeoutError. Look at the instance's state",
        "UNREACHABLE",
    ),
    (
        "RotationError: db.example.com:5432 accepts app with none of AWSPENDING, AWSCURRENT and AWSPREVIOUS.",
        "LOGIN_REFUSED",
    ),
    ("RotationError: db.example.com:5432 refuses the current login of app. Give the user", "LOGIN_REFUSED"),
    ("RotationError: db.example.com:5432 refuses the superuser root. Rotate or correct", "LOGIN_REFUSED"),
    ("RotationError: PostgreSQL at db:5432 refused the login of app with 3D000.", "LOGIN_REFUSED"),
    (f"RotationError: Rotation of {ARN} is not enabled. Switch it on with RotateSecret.", "HANDLER"),
    # AWS's: https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas
    (
        f"ValueError: Unable to log into database with previous, current, or pending secret of secret arn {ARN}",
        "LOGIN_REFUSED",
    ),
    (f"ValueError: Unable to log into database with pending secret of secret ARN {ARN}", "LOGIN_REFUSED"),
    ("KeyError: 'host key is missing from secret JSON'", "HANDLER"),
    # boto3's and Lambda's.
    (
        (
            "ClientError: An error occurred (AccessDeniedException) when calling the PutSecretValue operation: User: "
            "arn:aws:sts::111122223333:assumed-role/r/f is not authorized to perform: secretsmanager:PutSecretValue"
        ),
        "ROLE_DENIED",
    ),
    (
        (
            "ClientError: An error occurred (AccessDeniedException) when calling the GetSecretValue operation: "
            "Access to KMS is not allowed"
        ),
        "KEY_DENIED",
    ),
    (
        (
            "ClientError: An error occurred (AccessDeniedException) when calling the PutSecretValue operation: User "
            "is not authorized to perform: kms:GenerateDataKey on resource"
        ),
        "KEY_DENIED",
    ),
    (
        (
            "ClientError: An error occurred (DecryptionFailure) when calling the GetSecretValue operation: "
            "arn:aws:kms:eu-west-2:111122223333:key/1 is disabled, key is disabled."
        ),
        "KEY_UNUSABLE",
    ),
    ("ClientError: An error occurred (ThrottlingException) when calling the DescribeSecret operation", "THROTTLED"),
    ("Task timed out after 30.03 seconds", "TIMED_OUT"),
    ("EndpointConnectionError: Could not connect to the endpoint URL", "UNREACHABLE"),
    ("Runtime exited with error: signal: killed", "HANDLER"),
    ("Runtime.ImportModuleError: Unable to import module 'index': No module named 'psycopg2'", "HANDLER"),
]


@pytest.mark.parametrize(("said", "kind"), SAID)
def test_what_a_function_said_is_recognised(said: str, kind: str) -> None:
    cause = cause_of(ObservedRotation(said=said))
    assert cause.kind is CauseKind[kind]
    assert cause.detail == said
    assert cause.remedy
    assert cause.passes is (kind in {"UNREACHABLE", "THROTTLED", "TIMED_OUT"})


def test_the_missing_permission_is_named() -> None:
    said = "AccessDeniedException: User is not authorized to perform: secretsmanager:PutSecretValue on resource"
    assert "secretsmanager:PutSecretValue" in cause_of(ObservedRotation(said=said)).remedy


@pytest.mark.parametrize(
    ("observed", "kind", "passes"),
    [
        (ObservedRotation(enabled=False), CauseKind.CANCELLED, False),
        (ObservedRotation(manual_version=True), CauseKind.ABANDONED, False),
        (ObservedRotation(function_problem="function f does not exist: deploy it"), CauseKind.FUNCTION, False),
        (ObservedRotation(function_pending=True), CauseKind.NOT_READY, True),
        (ObservedRotation(key_problem="key k is Disabled"), CauseKind.KEY_UNUSABLE, False),
        (ObservedRotation(), CauseKind.UNKNOWN, True),
    ],
)
def test_what_can_be_seen_now_comes_before_an_old_log(
    observed: ObservedRotation, kind: CauseKind, passes: bool
) -> None:
    fields = {name: getattr(observed, name) for name in ObservedRotation.__slots__}
    for said in ("", "Task timed out after 3 seconds"):
        cause = cause_of(ObservedRotation(**{**fields, "said": said}))
        if kind is CauseKind.UNKNOWN and said:
            assert cause.kind is CauseKind.TIMED_OUT
        else:
            assert (cause.kind, cause.passes) == (kind, passes)


def test_the_remedy_of_a_function_is_taken_from_what_is_known_of_it() -> None:
    cause = cause_of(ObservedRotation(function_problem="function f does not let it in: aws lambda add-permission …"))
    assert cause == Cause(
        CauseKind.FUNCTION, "function f does not let it in", "aws lambda add-permission …", passes=False
    )


def test_a_function_that_was_changed_since_is_given_another_try() -> None:
    assert not cause_of(ObservedRotation(said="KeyError: 'host'")).passes
    assert cause_of(ObservedRotation(said="KeyError: 'host'", mended=True)).passes
