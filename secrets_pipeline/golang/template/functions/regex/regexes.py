"""Sprig's functions on regular expressions (documentation: "Regular Expressions"): RE2, as in Go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.printing import quoted
from secrets_pipeline.golang.template.functions.kinds import NilList, nil_if_empty
from secrets_pipeline.golang.template.functions.regex.patterns import PatternFailure, compiled, quote_meta
from secrets_pipeline.golang.values import Function

P = ParamSpec("P")
T = TypeVar("T")


def match(pattern: str, text: str) -> bool:
    """Whether the pattern matches anywhere in the text."""
    return compiled(pattern).matches(text)


def find(pattern: str, text: str) -> str:
    """The first match, or nothing."""
    return next(iter(find_all(pattern, text, 1)), "")


def find_all(pattern: str, text: str, limit: int) -> list[str]:
    """The matches, at most that many unless negative."""
    return nil_if_empty(compiled(pattern).find_all(text, limit))


def replace_all(pattern: str, text: str, replacement: str) -> str:
    """Every match replaced, with `$1` and `${name}` in the replacement."""
    return compiled(pattern).replace(text, replacement)


def replace_literal(pattern: str, text: str, replacement: str) -> str:
    """Every match replaced by the same text."""
    return compiled(pattern).replace_literal(text, replacement)


def split(pattern: str, text: str, limit: int) -> list[str]:
    """The parts between the matches."""
    return compiled(pattern).split(text, limit) if limit else NilList()


def _match_quietly(pattern: str, text: str) -> bool:
    try:
        return match(pattern, text)
    except PatternFailure:
        return False


def _panicking(function: Callable[Concatenate[str, P], T]) -> Callable[Concatenate[str, P], T]:
    """Sprig's variant without `must`, which panics, with a text of its own."""

    @wraps(function)
    def panicking(pattern: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(pattern, *args, **kwargs)
        except PatternFailure as failure:
            name = f"`{pattern}`" if "`" not in pattern else quoted(pattern)
            raise FunctionFailure(f"regexp: Compile({name}): {failure}") from None

    return panicking


FUNCTIONS: Final[Mapping[str, Function]] = {
    "mustRegexFind": find,
    "mustRegexFindAll": find_all,
    "mustRegexMatch": match,
    "mustRegexReplaceAll": replace_all,
    "mustRegexReplaceAllLiteral": replace_literal,
    "mustRegexSplit": split,
    "regexFind": _panicking(find),
    "regexFindAll": _panicking(find_all),
    "regexMatch": _match_quietly,
    "regexQuoteMeta": quote_meta,
    "regexReplaceAll": _panicking(replace_all),
    "regexReplaceAllLiteral": _panicking(replace_literal),
    "regexSplit": _panicking(split),
}
