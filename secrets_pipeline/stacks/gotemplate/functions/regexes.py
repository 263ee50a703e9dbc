"""Sprig's functions on regular expressions (documentation: "Regular Expressions"): RE2, as in Go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.stacks.gotemplate.failure import FunctionFailure
from secrets_pipeline.stacks.gotemplate.functions.kinds import NilList, nil_if_empty
from secrets_pipeline.stacks.gotemplate.functions.re2 import (
    Expression,
    SyntaxFailure,
    compile_expression,
    quote_meta,
)
from secrets_pipeline.stacks.gotemplate.printing import quoted
from secrets_pipeline.stacks.gotemplate.values import Function


def compiled(pattern: str) -> Expression:
    """The expression.

    Raises:
        FunctionFailure: if Go would not compile it.
    """
    try:
        return compile_expression(pattern)
    except SyntaxFailure as failure:
        raise FunctionFailure(f"error parsing regexp: {failure}") from None


def match(pattern: str, text: str) -> bool:
    """Whether the expression matches anywhere in the text."""
    return compiled(pattern).matches(text)


def find(pattern: str, text: str) -> str:
    """The first match, or nothing."""
    return next(iter(find_all(pattern, text, 1)), "")


def find_all(pattern: str, text: str, limit: int) -> list[str]:
    """The matches, at most that many unless negative."""
    return nil_if_empty([text[found[0] : found[1]] for found in compiled(pattern).find_all(text, limit)])


def replace_all(pattern: str, text: str, replacement: str) -> str:
    """Every match replaced, with `$1` and `${name}` in the replacement."""
    expression = compiled(pattern)
    return expression.replace(text, lambda found: expression.expand(replacement, text, found))


def replace_literal(pattern: str, text: str, replacement: str) -> str:
    """Every match replaced by the same text."""
    return compiled(pattern).replace(text, lambda _: replacement)


def split(pattern: str, text: str, limit: int) -> list[str]:
    """The parts between the matches."""
    return compiled(pattern).split(text, limit) if limit else NilList()


def _match_quietly(pattern: str, text: str) -> bool:
    try:
        return compile_expression(pattern).matches(text)
    except SyntaxFailure:
        return False


def _panicking(pattern: str) -> None:
    """Sprig's variants without `must` panic, with a text of their own."""
    try:
        compile_expression(pattern)
    except SyntaxFailure as failure:
        name = f"`{pattern}`" if "`" not in pattern else quoted(pattern)
        raise FunctionFailure(f"regexp: Compile({name}): error parsing regexp: {failure}") from None


def _find(pattern: str, text: str) -> str:
    _panicking(pattern)
    return find(pattern, text)


def _find_all(pattern: str, text: str, limit: int) -> list[str]:
    _panicking(pattern)
    return find_all(pattern, text, limit)


def _replace_all(pattern: str, text: str, replacement: str) -> str:
    _panicking(pattern)
    return replace_all(pattern, text, replacement)


def _replace_literal(pattern: str, text: str, replacement: str) -> str:
    _panicking(pattern)
    return replace_literal(pattern, text, replacement)


def _split(pattern: str, text: str, limit: int) -> list[str]:
    _panicking(pattern)
    return split(pattern, text, limit)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "mustRegexFind": find,
    "mustRegexFindAll": find_all,
    "mustRegexMatch": match,
    "mustRegexReplaceAll": replace_all,
    "mustRegexReplaceAllLiteral": replace_literal,
    "mustRegexSplit": split,
    "regexFind": _find,
    "regexFindAll": _find_all,
    "regexMatch": _match_quietly,
    "regexQuoteMeta": quote_meta,
    "regexReplaceAll": _replace_all,
    "regexReplaceAllLiteral": _replace_literal,
    "regexSplit": _split,
}
