"""What a store makes of the text of a parameter, as Atmos decodes it, and what resolving makes of that."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.references.model import SsmParameter, Stored
from secrets_pipeline.references.resolve import Pending, Plain, Resolved, Secret, resolve
from secrets_pipeline.references.stored import stored


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"test-value"', "test-value"),
        ("plain", "plain"),
        ("42", 42),
        ("true", True),
        ('{"a": [1]}', {"a": [1]}),
        ("", ""),
        # Go's JSON knows none of these.
        ("NaN", "NaN"),
        ('{"a": -Infinity}', '{"a": -Infinity}'),
        ("1e999", "1e999"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_a_store_decodes_what_is_json(text: str, value: object) -> None:
    assert stored(text, (), secret=False) == value


@pytest.mark.parametrize("text", ["1e5", "12345678901234567890", "true", "null", "plain"])
def test_a_store_of_secrets_leaves_a_scalar_byte_for_byte(text: str) -> None:
    """The examples stand in the comment of decodeParameterValue, pkg/store/providers/aws_ssm_param_store.go."""
    assert stored(text, (), secret=True) == text


def test_a_store_of_secrets_decodes_documents_and_quoted_text() -> None:
    assert stored('{"host": "h"}', ("host",), secret=True) == "h"
    assert stored('["a"]', (0,), secret=True) == "a"
    assert stored('"quoted"', (), secret=True) == "quoted"


class Outside:
    """Parameter Store with one answer; nothing else is asked."""

    def __init__(self, answer: Resolved) -> None:
        self._answer = answer

    def ssm(self, _name: str) -> Resolved:
        return self._answer

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of the protocol
        raise AssertionError(name)


def resolved(answer: Resolved, *path: str | int) -> Resolved:
    return resolve(Stored(SsmParameter("/p"), path, secret=True), Outside(answer))


def test_what_is_secret_stays_so_and_what_is_pending_too() -> None:
    found = resolved(Secret(SecretStr('{"n": 3, "s": "x"}')), "n")
    assert isinstance(found, Secret)
    assert (found.value.get_secret_value(), found.is_json) == ("3", True)
    text = resolved(Secret(SecretStr('{"n": 3, "s": "x"}')), "s")
    assert isinstance(text, Secret)
    assert (text.value.get_secret_value(), text.is_json) == ("x", False)
    assert resolved(Plain('{"n": 3}'), "n") == Plain(3)
    assert resolved(Pending("not yet")) == Pending("not yet")


@pytest.mark.parametrize("path", [("b",), ("a", 5), ("a", "b"), (0,)])
def test_a_path_that_leads_nowhere_is_an_error_without_the_value(path: tuple[str | int, ...]) -> None:
    with pytest.raises(ExpressionError) as raised:
        resolved(Secret(SecretStr('{"a": ["canary"]}')), *path)
    assert "canary" not in f"{raised.value.diagnostics()}{raised.value.__cause__}{raised.value.__context__}"


def test_two_that_differ_are_written_differently() -> None:
    one = Stored(SsmParameter("/p"), ("a",), "eu-west-2")
    others = [
        Stored(SsmParameter("/q"), ("a",), "eu-west-2"),
        Stored(SsmParameter("/p"), (), "eu-west-2"),
        Stored(SsmParameter("/p"), ("a",), "eu-west-1"),
        Stored(SsmParameter("/p"), ("a",), "eu-west-2", secret=True),
    ]
    assert len({str(one), *map(str, others)}) == 5
