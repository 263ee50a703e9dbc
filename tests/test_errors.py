"""Errors: whatever stands in a name, it cannot speak to the terminal nor hide in a log."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.desired.unresolved import Unresolved, UnresolvedReason
from secrets_pipeline.errors import (
    DENIED,
    MISSING,
    NO_CREDENTIALS,
    THROTTLED,
    UNANSWERED,
    AwsError,
    CollectedErrors,
    NoAnswerError,
    SecretsPipelineError,
    SpecError,
    Unasked,
    Where,
    aws_error_class,
    raise_all,
    unasked_by,
    visible,
)

odd = st.text(
    st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Co"]) | st.sampled_from("ab\x1b\x9b\u202e\u200b")
)
SPEAKING = ("Cc", "Cf", "Cs", "Zl", "Zp")


def speaks(text: str, *, kept: Iterable[str] = "\n") -> bool:
    """Whether a text holds a character that a terminal obeys, or shows as nothing."""
    return any(unicodedata.category(one) in SPEAKING and one not in kept for one in text)


@given(odd, odd, odd, odd, odd)
def test_an_error_shows_what_no_terminal_obeys_and_no_name_adds_a_line(
    file: str, stack: str, component: str, key: str, step: str
) -> None:
    where = Where(file=file, line=3, stack=stack, component=component, key=key)
    error = SpecError("it is wrong", remedy="Mend it.", where=where, chain=[step])
    assert not speaks(error.diagnostics())
    assert not speaks(str(error))
    assert len(error.diagnostics().splitlines()) == 3


@given(odd, odd)
def test_nor_does_a_name_in_a_message_or_a_remedy(name: str, other: str) -> None:
    error = SpecError(f"stack {name} does not exist", remedy=f"Did you mean {other}?")
    assert not speaks(error.message)
    assert not speaks(error.remedy)
    assert not speaks(error.diagnostics())
    assert all(line.startswith(("stack ", "  ")) for line in error.diagnostics().split("\n"))


@given(odd)
def test_nor_does_one_among_several_errors(name: str) -> None:
    with pytest.raises(SecretsPipelineError) as caught:
        raise_all([SpecError(f"{name} is wrong"), SpecError("other", where=Where(stack=name))])
    assert not speaks(str(caught.value))


@given(odd)
def test_nor_does_a_reference_that_nobody_can_resolve(name: str) -> None:
    one = Unresolved(
        expression=name, key=name, reason=UnresolvedReason.STACK, problem=name, remedy=name, where=f"stack {name}"
    )
    assert not speaks(one.diagnostics())
    assert len(one.diagnostics().splitlines()) == 2


@given(st.text())
def test_a_text_that_shows_all_it_has_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)
    assert (visible(text) == text) is text.isprintable()


def test_the_escapes_are_those_of_python() -> None:
    assert visible("a\x1b[31m\u202eé\U000e0001") == r"a\x1b[31m\u202eé\U000e0001"


@pytest.mark.parametrize(
    ("code", "denied", "missing"),
    [
        ("AccessDenied", True, False),
        ("AccessDeniedException", True, False),
        ("403", True, False),
        ("ResourceNotFoundException", False, True),
        ("NoSuchEntity", False, True),
        ("404", False, True),
        ("ThrottlingException", False, False),
        ("SlowDown", False, False),
        # Of a quota, of a key that Lambda may not use, of a clock, of botocore, of nobody.
        ("LimitExceededException", False, False),
        ("KMSAccessDeniedException", False, False),
        ("ExpiredToken", False, False),
        ("EndpointConnectionError", False, False),
        ("", False, False),
    ],
)
def test_an_error_of_aws_knows_what_kind_it_is(code: str, *, denied: bool, missing: bool) -> None:
    error = AwsError("x", code=code)
    assert (error.denied, error.missing) == (denied, missing)


def of(code: str, operation: str = "DescribeKey", *, own_role: bool = True) -> AwsError:
    return aws_error_class(code, operation, own_role=own_role)("no", code=code, operation=operation)


@pytest.mark.parametrize(
    ("codes", "cause"),
    [
        (UNANSWERED, Unasked.NO_ANSWER),
        (NO_CREDENTIALS, Unasked.CREDENTIALS),
        (THROTTLED, Unasked.THROTTLED),
        (DENIED | MISSING | {"InternalFailure", "KMSInvalidStateException", "Unknown"}, None),
    ],
)
def test_only_what_nobody_could_ask_is_unasked_and_its_class_names_the_cause(
    codes: frozenset[str], cause: Unasked | None
) -> None:
    for code in codes:
        error = of(code)
        assert error.unasked is cause, code
        # All that an event of Dagster's keeps of an error is the name of its class.
        assert unasked_by(type(error).__name__) is unasked_by(error.kind) is cause


@pytest.mark.parametrize("code", sorted(DENIED))
def test_a_refusal_to_assume_the_own_role_is_unasked_and_that_of_another_role_is_an_answer(code: str) -> None:
    own, other = of(code, "AssumeRole"), of(code, "AssumeRole", own_role=False)
    assert (own.unasked, own.denied) == (Unasked.ROLE, False)
    assert (other.unasked, other.denied) == (None, True)


def test_several_errors_are_unasked_only_if_each_is() -> None:
    silent, denied = of("ConnectTimeoutError"), of("AccessDenied")
    assert CollectedErrors([silent, silent]).unasked is Unasked.NO_ANSWER
    assert unasked_by(CollectedErrors([silent, silent]).kind) is Unasked.NO_ANSWER
    assert CollectedErrors([silent, denied]).unasked is None
    assert CollectedErrors([]).unasked is None
    assert isinstance(silent, NoAnswerError)
