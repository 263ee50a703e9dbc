"""What a rotation function's log says of one rotation."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from secrets_pipeline import rotation_lambda
from secrets_pipeline.rotation.causes import CauseKind, ObservedRotation, cause_of
from secrets_pipeline.rotation.log import Heard, LogLine, heard
from secrets_pipeline.rotation.phrases import repeatable
from secrets_pipeline.rotation.steps import RotationStep
from tests.rotation.test_causes import SAID

ARN = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:myapp/dev/credentials-AbCdEf"
OTHER = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:myapp/dev/other-AbCdEf"
VERSION = "0f2b6a3e-6f0b-4a6d-8f0e-3a6f4c2f1d11"


REFUSED = "An error occurred (DBInstanceNotFound) when calling the DescribeDBInstances operation"
START = f"START RequestId: {VERSION} Version: $LATEST"
TRACEBACK = "Traceback (most recent call last):"


def read(*texts: str, stream: str = "a") -> Heard:
    return heard([LogLine(stream, text) for text in texts], arn=ARN, version=VERSION, group="/aws/lambda/f")


def test_steps_are_done_when_the_function_says_so_of_this_version() -> None:
    found = read(
        "START RequestId: 1 Version: $LATEST",
        f"createSecret: Successfully put secret for ARN {ARN} and version {VERSION}.",
        "END RequestId: 1",
        "START RequestId: 2 Version: $LATEST",
        f"setSecret: Successfully set password for app in secret arn {OTHER} version other.",
    )
    assert found == Heard(frozenset({RotationStep.CREATE}))


def test_a_failure_is_that_of_the_invocation_that_names_the_secret() -> None:
    lines = [
        LogLine("a", "START RequestId: 1 Version: $LATEST"),
        LogLine("b", "START RequestId: 2 Version: $LATEST"),
        LogLine("a", f"setSecret of {OTHER}"),
        LogLine("b", f"setSecret of {ARN}"),
        LogLine("a", "[ERROR] ValueError: not ours"),
        LogLine(
            "b", f"[ERROR] ValueError: Unable to log into database with pending secret of x\n{TRACEBACK}\n  File x"
        ),
    ]
    assert heard(lines, arn=ARN, version=VERSION, group="/aws/lambda/f").failure.startswith(
        "ValueError: Unable to log into database with pending secret (what else it said: "
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2026-01-01T00:00:00Z 1 Task timed out after 3.00 seconds", "Task timed out after 3.00 seconds"),
        (
            f"{TRACEBACK}\n  File x\nbotocore.errorfactory.DBInstanceNotFoundFault: {REFUSED}: x",
            "botocore.errorfactory.DBInstanceNotFoundFault: An error occurred (DBInstanceNotFound) when calling the",
        ),
        ("[ERROR] Runtime.ImportModuleError: Unable to import module", "Runtime.ImportModuleError: Unable to import"),
    ],
)
def test_every_way_to_fail_is_heard(line: str, said: str) -> None:
    assert read(f"setSecret {ARN}", line).failure.startswith(said)


def test_a_function_that_names_no_secret_may_speak_of_this_one() -> None:
    assert read("[ERROR] KeyError: host").failure.startswith("KeyError (what")
    assert read(f"rotating {OTHER}", "[ERROR] KeyError: host").failure == ""


VALUES = [
    "hunter2",
    "Zx9-_.~aaaaBBBBccccDDDDeeeeFFFF",
    "p4ss w0rd",
    "Tr0ub4dor&3",
    "Sommer",
    "12345678",
    "a'b\"c",
    "q9",
]


@pytest.mark.parametrize("value", VALUES)
def test_no_word_of_a_function_s_own_is_repeated_however_short(value: str) -> None:
    for said in (
        f"ValueError: cannot set the password {value}",
        f"ValueError: {value}",
        f"{value}: {value}",
        f"KeyError: {value!r}",
        f"ClientError: An error occurred ({value}1) when calling the PutSecretValue operation: {value}",
        f"RotationError: PostgreSQL at {value} refused the login of {value} with {value}. {value}",
        f"RotationError: {value} failed: {value}. Correct masterarn. {value}",
        f"OperationalError: password authentication failed for user {value}; tried {value}",
        f"setSecret: Unable to log into database with pending secret {value}",
        f"2026-01-01T00:00:00Z\t0f2b6a3e\tcannot use {value}",
    ):
        for line in (f"[ERROR] {said}", f"{TRACEBACK}\n  File x\n{said}", f"{TRACEBACK}\n{value}\n{said}"):
            assert value not in read(START, f"setSecret {ARN}", line).failure, (said, line)
        assert read(START, f"setSecret {ARN}", f"[ERROR] {said}").failure


def test_of_a_foreign_error_type_and_known_texts_are_repeated_and_where_the_rest_stands() -> None:
    said = "OperationalError: FATAL: password authentication failed for user app"
    failure = read(START, f"setSecret {ARN}", f"[ERROR] {said}", stream="2026/11/27/[$LATEST]abc").failure
    assert failure == (
        "OperationalError: password authentication failed (what else it said: log group /aws/lambda/f, "
        f"stream 2026/11/27/[$LATEST]abc, request {VERSION})"
    )
    unknown = read(f"setSecret {ARN}", "[ERROR] cannot use hunter2").failure
    assert unknown == "an error of its own (what else it said: log group /aws/lambda/f, stream a)"


def test_our_own_function_s_sentences_are_repeated_without_what_is_filled_in() -> None:
    assert repeatable(
        "RotationError: PostgreSQL at db:5432 refused the login of app with 28P01. Look the code up in appendix A of "
        "PostgreSQL's manual: pg_hba.conf, rds.force_ssl, a missing dbname …",
        (),
    ) == (
        "RotationError: PostgreSQL at … refused the login of … with 28P01. Look the code up in appendix A of "
        "PostgreSQL's manual: pg_hba.conf, rds.force_ssl, a missing dbname …"
    )
    text = "RotationError: The secret's JSON has no text under the key host. Add it to the secret's value."
    assert repeatable(text, ()) == text
    text = f"RotationError: Rotation of {ARN} is not enabled. Switch it on with RotateSecret."
    assert repeatable(text, (ARN,)) == text
    refused = "AwsRefusalError: GetSecretValue was refused: AccessDeniedException. User: arn:aws:iam::1:role/x is "
    assert repeatable(f"{refused}not authorized to perform: kms:Decrypt on hunter2", ()) == (
        "AwsRefusalError: GetSecretValue was refused: AccessDeniedException. …, not authorized to perform: kms:Decrypt"
    )


@pytest.mark.parametrize(("said", "kind"), SAID)
def test_what_is_repeated_still_tells_the_cause(said: str, kind: str) -> None:
    assert cause_of(ObservedRotation(said=repeatable(said, ()))).kind is CauseKind[kind]


def test_every_sentence_of_our_own_function_is_known() -> None:
    for path in Path(str(rotation_lambda.__file__)).parent.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Raise) and isinstance(call.exc, ast.Call) and call.exc.args:
                match call.exc.args[0]:
                    case ast.Constant(value=str(text)):
                        assert repeatable(f"RotationError: {text}", ()) == f"RotationError: {text}", text
