"""Compile and match patterns with `*`, `?` and policy variables.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from secrets_pipeline.access.evaluator.lookup import RequestContext, UnknownValue
from secrets_pipeline.access.evaluator.three_valued import Ternary, any_of
from secrets_pipeline.arn import pattern_parts

Compile: TypeAlias = Callable[[str], Callable[[str], bool]]
"""Pattern whose wildcards stand as `MANY` and `ONE` → whether a text matches it."""

MANY, ONE = "\ue000", "\ue001"
"""Stand for `*` and `?` in a pattern whose variables are put in: what a variable brings is text, never a wildcard."""

# The third form is no variable, and nothing that begins within it is: it is passed over, not read again and again.
_VARIABLE = re.compile(r"\$\{([*?$])\}|\$\{\s*([^},\s]+)\s*(?:,\s*'([^']*)'\s*)?\}|\$\{(?:(?!\$\{\s)[^},\s])+")
_STARS = re.compile(f"{MANY}+")
_CROSSING = re.compile(rf"{MANY}+(?=:|\Z)")


@dataclass(frozen=True, slots=True)
class _Variable:
    key: str
    default: str | None


class Pattern:
    """One pattern of a policy.

    Args:
        text: as the policy has it.
        matcher: makes the test of a pattern without variables.
        variables: whether `${…}` is one: in policies of version 2012-10-17.
        wildcards: whether `*` and `?` are; `${*}` is a plain `*` anyhow.
    """

    __slots__ = ("_matcher", "_parts", "_test")

    def __init__(self, text: str, matcher: Compile, *, variables: bool, wildcards: bool = True) -> None:
        self._matcher = matcher
        self._parts = _parsed(text, variables=variables, wildcards=wildcards)
        fixed = not any(isinstance(part, _Variable) for part in self._parts)
        self._test = matcher("".join(str(part) for part in self._parts)) if fixed else None

    def matches(self, text: str, lookup: RequestContext) -> Ternary:
        """Whether a text matches; unknown if a variable is, false if a variable has no value."""
        if self._test is not None:
            return self._test(text)
        filled = self._filled(lookup)
        if isinstance(filled, UnknownValue):
            return None
        return filled is not None and self._matcher(filled)(text)

    def _filled(self, lookup: RequestContext) -> str | UnknownValue | None:
        filled: list[str] = []
        unknown: UnknownValue | None = None
        for part in self._parts:
            if isinstance(part, str):
                filled.append(part)
                continue
            values = lookup.get(part.key)
            if isinstance(values, UnknownValue):
                unknown = values
            elif not values:
                if part.default is None:
                    return None
                filled.append(part.default)
            elif len(values) == 1:
                filled.append(values[0])
            else:
                # A variable of several values has no text: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
                return None
        return unknown or "".join(filled)

    @property
    def test(self) -> Callable[[str], bool] | None:
        """The test without variables, None if it has some."""
        return self._test


class Patterns:
    """Several patterns, any of which may match."""

    __slots__ = ("_late", "_tests")

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        known = tuple(patterns)
        self._tests = _joined([one.test for one in known if one.test is not None])
        self._late = tuple(one for one in known if one.test is None)

    def match(self, text: str, lookup: RequestContext) -> Ternary:
        """Whether one of them matches."""
        for test in self._tests:
            if test(text):
                return True
        return any_of(one.matches(text, lookup) for one in self._late) if self._late else False


def _joined(tests: Sequence[Callable[[str], bool]]) -> tuple[Callable[[str], bool], ...]:
    """The same tests, those with wildcards as one regular expression."""
    joined = [one for one in tests if isinstance(one, _Regex)]
    if len(joined) <= 1 or len({one.flags for one in joined}) > 1:
        return tuple(tests)
    body = "|".join(f"(?:{one.body})" for one in joined)
    return (*(one for one in tests if not isinstance(one, _Regex)), _Regex(body, joined[0].flags))


class _Regex:
    """Whether a text matches a regular expression as a whole."""

    __slots__ = ("_match", "body", "flags")

    def __init__(self, body: str, flags: re.RegexFlag) -> None:
        self.body = body
        self.flags = flags
        self._match = re.compile(f"(?:{body})", flags).fullmatch

    def __call__(self, text: str) -> bool:
        return self._match(text) is not None


def variables_of(text: str) -> tuple[str, ...]:
    """The policy variables of a pattern, as it spells them."""
    return tuple(found[2] for found in _VARIABLE.finditer(text) if found[2])


def _parsed(text: str, *, variables: bool, wildcards: bool) -> Sequence[str | _Variable]:
    parts: list[str | _Variable] = []
    end = 0
    for found in _VARIABLE.finditer(text) if variables else ():
        parts.append(_marked(text[end : found.start()], wildcards=wildcards))
        end = found.end()
        plain, key, default = found.groups()
        if plain or key:
            parts.append(plain or _Variable(key.lower(), default))
        else:
            parts.append(_marked(found[0], wildcards=wildcards))
    parts.append(_marked(text[end:], wildcards=wildcards))
    return parts


def _marked(text: str, *, wildcards: bool) -> str:
    return text.replace("*", MANY).replace("?", ONE) if wildcards else text


def _regex(pattern: str, many: str, one: str, *, end: bool = True) -> str:
    """The expression of a pattern; without `end`, of how any text that begins so begins."""
    return _spread([one.join(map(re.escape, part.split(ONE))) for part in _STARS.split(pattern)], many, end=end)


def _spread(parts: Sequence[str], many: str, *, end: bool) -> str:
    """Parts with any text between them, in linear time: one that another follows is taken where it first fits."""
    first, *others = parts
    last = f"{many}{others.pop()}" if end and others else ""
    return first + "".join(f"(?>{many}?{part})" for part in others) + last


@lru_cache(maxsize=16_384)
def text_matcher(pattern: str) -> Callable[[str], bool]:
    """`*` is any text, `?` any one character; case counts."""
    return _compiled(pattern, _regex(pattern, ".*", "."), flags=re.DOTALL)


@lru_cache(maxsize=16_384)
def caseless_matcher(pattern: str) -> Callable[[str], bool]:
    """As `text_matcher`, but case does not count."""
    if MANY not in pattern and ONE not in pattern:
        lower = pattern.lower()
        return lambda text: text.lower() == lower
    return _compiled(pattern, _regex(pattern, ".*", "."), flags=re.DOTALL | re.IGNORECASE)


@lru_cache(maxsize=16_384)
def resource_matcher(pattern: str) -> Callable[[str], bool]:
    """A Resource element: wildcards stay within a segment, but `*` at the end of one may go beyond its colon.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    *blocks, last = _CROSSING.split(pattern)
    body = _spread([*(_segments(one, end=False) for one in blocks), _segments(last, end=True)], ".*", end=True)
    return _compiled(pattern, body, flags=re.DOTALL)


def _segments(pattern: str, *, end: bool) -> str:
    *segments, last = pattern.split(":")
    return ":".join([*(_regex(one, "[^:]*", "[^:]") for one in segments), _regex(last, "[^:]*", "[^:]", end=end)])


@lru_cache(maxsize=16_384)
def arn_matcher(pattern: str) -> Callable[[str], bool]:
    """ArnLike: each of the six components is matched by itself.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
    """
    components = pattern_parts(pattern)
    if not components:
        return lambda _text: False
    body = ":".join([*(_regex(one, "[^:]*", "[^:]") for one in components[:-1]), _regex(components[-1], ".*", ".")])
    return _compiled(pattern, body, flags=re.DOTALL)


def _compiled(pattern: str, body: str, *, flags: re.RegexFlag) -> Callable[[str], bool]:
    if MANY not in pattern and ONE not in pattern:
        return pattern.__eq__
    return _anything if pattern == MANY else _Regex(body, flags)


def _anything(_text: str) -> bool:
    return True
