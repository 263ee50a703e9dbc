"""What a rotation function's log says of one rotation."""

from __future__ import annotations

import pytest

from secrets_pipeline.rotation.log import Heard, LogLine, heard, quoted
from secrets_pipeline.rotation.steps import RotationStep

ARN = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:myapp/dev/credentials-AbCdEf"
OTHER = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:myapp/dev/other-AbCdEf"
VERSION = "0f2b6a3e-6f0b-4a6d-8f0e-3a6f4c2f1d11"


TRACEBACK = "Traceback (most recent call last):"


def read(*texts: str, stream: str = "a") -> Heard:
    return heard([LogLine(stream, text) for text in texts], arn=ARN, version=VERSION)


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
        LogLine("b", "[ERROR] ValueError: Unable to log into database\nTraceback (most recent call last):\n  File x"),
    ]
    assert heard(lines, arn=ARN, version=VERSION).failure == "ValueError: Unable to log into database"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2026-01-01T00:00:00Z 1 Task timed out after 3.00 seconds", "Task timed out after 3.00 seconds"),
        (
            f"{TRACEBACK}\n  File x\nbotocore.errorfactory.DBInstanceNotFoundFault: An error occurred",
            "botocore.errorfactory.DBInstanceNotFoundFault: An error",
        ),
        ("[ERROR] Runtime.ImportModuleError: Unable to import module", "Runtime.ImportModuleError: Unable to import"),
    ],
)
def test_every_way_to_fail_is_heard(line: str, said: str) -> None:
    assert read(f"setSecret {ARN}", line).failure.startswith(said)


def test_a_function_that_names_no_secret_may_speak_of_this_one() -> None:
    assert read("[ERROR] KeyError: host").failure == "KeyError: host"
    assert read(f"rotating {OTHER}", "[ERROR] KeyError: host").failure == ""


def test_what_may_be_a_value_is_left_out() -> None:
    password = "Zx9-_.~aaaaBBBBccccDDDDeeeeFFFF"
    assert quoted(f"ValueError: cannot use '{password}' nor {password}") == "ValueError: cannot use '…' nor …"
    assert ARN in quoted(f"not allowed for '{ARN}'")


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_value_with_quotes_in_it_or_without_their_end_is_left_out_as_well(quote: str) -> None:
    both = "Zx9'q\"canary"
    assert quoted(f"ValueError: cannot use {both!r} here") == "ValueError: cannot use '…' here"
    assert quoted(f"ValueError: cannot use {quote}it's canary") == "ValueError: cannot use '…'"
    assert quoted("ValueError: cannot use 'Zx9'canary' here") == "ValueError: cannot use '…' here"
    assert quoted(f"ValueError: cannot use {quote}canary\\") == "ValueError: cannot use '…'"


def test_an_apostrophe_is_no_quotation() -> None:
    text = "RotationError: The secret's JSON has no text under the key host. Add it to the secret's value."
    assert quoted(text) == text
