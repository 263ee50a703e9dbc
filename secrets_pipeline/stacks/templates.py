"""Go templates in manifests: field chains, string literals and comments. Anything more is refused, never guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from secrets_pipeline.stacks.markers import Value
from secrets_pipeline.stacks.scalars import as_text

DELIMITERS: Final = ("{{", "}}")

_CHAIN: Final = re.compile(r"\.|(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
_QUOTED: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_WHOLE_SCALAR: Final = re.compile(
    r"""(?P<before>(?:^|[\s,\[{]))(?P<quote>['"])\{\{\s*(?P<chain>(?:\.[A-Za-z_][A-Za-z0-9_]*)+)\s*\}\}(?P=quote)"""
    r"""(?=[ \t]*(?:$|[,\]}]|[ ]\#))""",
    re.MULTILINE,
)


class Missing(Enum):
    """What a key that a map does not have stands for (`missingkey` of text/template)."""

    ERROR = auto()
    NO_VALUE = auto()


class TemplateError(Exception):
    """The template fails, as it fails in Go."""


class TemplateUnsupported(Exception):
    """The template may be right, but this version cannot render it."""


def has_template(text: str, delimiters: tuple[str, str] = DELIMITERS) -> bool:
    """Whether there is anything to render."""
    return delimiters[0] in text


def render(
    text: str,
    context: Mapping[str, Value],
    missing: Missing = Missing.ERROR,
    delimiters: tuple[str, str] = DELIMITERS,
) -> str:
    """The text with its actions replaced.

    Raises:
        TemplateError: for a missing key (with `Missing.ERROR`), a field of something that is not a map, or a syntax
            error.
        TemplateUnsupported: for an action other than a field chain, a string literal or a comment.
    """
    left, right = delimiters
    parts: list[str] = []
    rest = text
    while True:
        head, found, rest = rest.partition(left)
        if not found:
            parts.append(head)
            return "".join(parts)
        if rest.startswith("-") and rest[1:2].isspace():
            head, rest = head.rstrip(), rest[1:]
        action, found, rest = _action(rest, right)
        if not found:
            raise TemplateError(f"unclosed action {left}{action.strip()[:40]}")
        if action.endswith("-") and action[-2:-1].isspace():
            action, rest = action[:-1], rest.lstrip()
        parts += [head, _value_text(action.strip(), context, missing)]


def with_values(text: str, context: Mapping[str, Value]) -> str:
    """YAML text in which each quoted scalar that is one field chain is replaced by the field's own value, as JSON.

    A chain whose field is missing stays for `render`.
    """

    def value(match: re.Match[str]) -> str:
        try:
            found = field(match["chain"], context, Missing.ERROR)
        except TemplateError:
            return match[0]
        return match["before"] + json.dumps(found, ensure_ascii=False, default=str)

    return _WHOLE_SCALAR.sub(value, text)


def field(chain: str, context: Mapping[str, Value], missing: Missing) -> Value:
    """The value of `.a.b` in the context.

    Raises:
        TemplateError: if there is none.
    """
    value: Value = context
    names = [name for name in chain.split(".") if name]
    for position, name in enumerate(names):
        at = f"at <.{'.'.join(names[: position + 1])}>"
        if value is None:
            raise TemplateError(f"{at}: nil pointer evaluating interface {{}}.{name}")
        if not isinstance(value, Mapping):
            raise TemplateError(f"{at}: can't evaluate field {name} in type {_go_type(value)}")
        if name not in value and missing is Missing.ERROR:
            raise TemplateError(f'{at}: map has no entry for key "{name}"')
        value = value.get(name)
    return value


def _action(rest: str, right: str) -> tuple[str, str, str]:
    """The action's text, its delimiter and what follows; a delimiter inside a string literal does not end it."""
    start = 0
    while True:
        end = rest.find(right, start)
        if end < 0:
            return rest, "", ""
        literal = next((m for m in _QUOTED.finditer(rest, start) if m.start() < end < m.end()), None)
        if literal is None:
            return rest[:end], right, rest[end + len(right) :]
        start = literal.end()


def _value_text(action: str, context: Mapping[str, Value], missing: Missing) -> str:
    if _CHAIN.fullmatch(action):
        value = field(action, context, missing)
        return "<no value>" if value is None else as_text(value)
    if _QUOTED.fullmatch(action):
        return action[1:-1] if action[0] == "`" else str(json.loads(action))
    if _COMMENT.fullmatch(action):
        return ""
    raise TemplateUnsupported(f"the template action {action!r} is not supported")


def _go_type(value: Value) -> str:
    names = {bool: "bool", int: "int", float: "float64", list: "[]interface {}"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "string")
