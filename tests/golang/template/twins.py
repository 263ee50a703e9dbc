"""The functions of oracle/main.go in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.printing import as_text, sprint
from secrets_pipeline.golang.values import Function, Namespace


def _join(first: str, second: str) -> str:
    return f"{first}-{second}"


def _table(key: str) -> dict[str, object]:
    return {key: {"deep": key}}


def _count(first: int, *rest: object) -> int:
    return first + len(rest)


TOOL: Final = Namespace("*main.tool", {"Name": lambda: "tool", "Join": _join, "Table": _table, "Count": _count})


def _text_of(text: str) -> str:
    return f"<{text}>"


def _twice(number: int) -> int:
    return 2 * number


def _half(number: float) -> float:
    return number / 2


def _flag(value: bool) -> bool:
    return not value


def _size(value: Mapping[str, object]) -> int:
    return len(value)


def _show(value: object) -> str:
    return as_text(value)


def _spread(first: str, *rest: object) -> str:
    return first + sprint(*rest)


def _fails(text: str) -> NoReturn:
    raise FunctionFailure(f"refused {text}")


FUNCTIONS: Final[dict[str, Function]] = {
    "textOf": _text_of,
    "twice": _twice,
    "half": _half,
    "flag": _flag,
    "size": _size,
    "show": _show,
    "spread": _spread,
    "fails": _fails,
    "nothing": lambda: None,
    "constant": lambda: "constant",
    "object": lambda: TOOL,
}
