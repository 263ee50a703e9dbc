"""Wildcards of policies: the same answers as the plain regular expressions give, and never without end."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.access.evaluator import Policy
from secrets_pipeline.access.evaluator.lookup import RequestContext
from secrets_pipeline.access.evaluator.patterns import (
    Compile,
    Pattern,
    Patterns,
    arn_matcher,
    caseless_matcher,
    resource_matcher,
    text_matcher,
    variables_of,
)

NOTHING = RequestContext()


def naive(pattern: str, many: str, one: str) -> str:
    """Each wildcard as it reads, which may take exponential time."""
    return "".join({"*": many, "?": one}.get(character) or re.escape(character) for character in pattern)


def naive_text(pattern: str) -> str:
    return naive(pattern, ".*", ".")


def naive_resource(pattern: str) -> str:
    return ":".join(
        naive(segment[:-1], "[^:]*", "[^:]") + ".*" if segment.endswith("*") else naive(segment, "[^:]*", "[^:]")
        for segment in pattern.split(":")
    )


def naive_arn(pattern: str) -> str:
    components = pattern.split(":", 5)
    if len(components) < 6:
        return "(?!)"
    return ":".join([*(naive(one, "[^:]*", "[^:]") for one in components[:-1]), naive(components[-1], ".*", ".")])


def compiled(matcher: Compile, pattern: str) -> Pattern:
    return Pattern(pattern, matcher, variables=False)


patterns = st.text("aAb:*?", max_size=9)
texts = st.text("aAb:", max_size=9)
arns = st.text("ab:*", min_size=5, max_size=16)


@pytest.mark.parametrize(
    ("matcher", "expected", "flags"),
    [
        (text_matcher, naive_text, 0),
        (caseless_matcher, naive_text, re.IGNORECASE),
        (resource_matcher, naive_resource, 0),
        (arn_matcher, naive_arn, 0),
    ],
)
@given(st.lists(patterns | arns, min_size=1, max_size=3), texts | arns)
def test_wildcards_match_what_the_plain_expression_matches(
    matcher: Compile, expected: Callable[[str], str], flags: int, some: list[str], text: str
) -> None:
    wanted = [re.fullmatch(expected(one), text, re.DOTALL | flags) is not None for one in some]
    assert [compiled(matcher, one).matches(text, NOTHING) for one in some] == wanted
    assert Patterns(compiled(matcher, one) for one in some).match(text, NOTHING) is any(wanted)


@pytest.mark.parametrize("matcher", [text_matcher, caseless_matcher, resource_matcher, arn_matcher])
@pytest.mark.parametrize("stars", ["*a" * 200, "*" * 200, "*?" * 200, "*:*a" * 200, "*a:" * 200, "*a?a" * 60])
def test_many_wildcards_take_no_time(matcher: Compile, stars: str) -> None:
    arn = "arn:aws:iam::111122223333:role/"
    for text in (f"{arn}{'a' * 2_000}", f"{arn}{'a:' * 1_000}", f"{arn}{':' * 2_000}"):
        for pattern in (f"{stars}!", f"{arn}{stars}!", f"{stars}*!", f"{stars}*!*"):
            assert compiled(matcher, pattern).matches(text, NOTHING) is False
            assert Patterns(compiled(matcher, one) for one in ("b*", pattern)).match(text, NOTHING) is False


def test_an_action_of_many_stars_is_no_action_at_once() -> None:
    element = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:Put" + "*" * 5_000 + "!", "Resource": "*"}
    (statement,) = Policy("x", {"Version": "2012-10-17", "Statement": [element]}).statements
    assert not statement.speaks_of("secretsmanager:PutSecretValue")


NAIVE_VARIABLE = re.compile(r"\$\{([*?$])\}|\$\{\s*([^},\s]+)\s*(?:,\s*'([^']*)'\s*)?\}")


@given(st.lists(st.sampled_from(["$", "{", "}", "${", "*", "a", " ", ",", "'", ", 'b'"]), max_size=14).map("".join))
def test_variables_are_where_the_plain_expression_finds_them(text: str) -> None:
    assert variables_of(text) == tuple(found[2] for found in NAIVE_VARIABLE.finditer(text) if found[2])


@pytest.mark.parametrize("text", ["${" * 100_000, "${a" * 100_000, "${a, 'b' " * 50_000, "${a,'" * 50_000])
def test_many_beginnings_of_variables_take_no_time(text: str) -> None:
    assert variables_of(text) == ()
    assert variables_of(f"{text}${{ x }}")[-1:] != ("",)
    assert compiled(text_matcher, text).matches(text, NOTHING) is True
    assert Pattern(text, text_matcher, variables=True).matches(text, NOTHING) is True
