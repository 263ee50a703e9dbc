"""Copy values that leave this package, with their functions evaluated and their markers gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import UNSET, FunctionCall, LiteralText
from secrets_pipeline.stacks.functions.functions import FunctionError, parse_call

Evaluate = Callable[[FunctionCall], Value]

_PLAIN: Final = frozenset({int, bool, float, type(None)})


class CallFailed(Exception):
    """A function of a component failed.

    Attributes:
        path: keys and indices to it, the innermost first.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.path: list[str | int] = []


def copied(value: Value) -> Value:
    """A copy of plain values that shares no mapping and no list."""
    if isinstance(value, dict):
        return {key: copied(inner) if isinstance(inner, dict | list) else inner for key, inner in value.items()}
    if isinstance(value, list):
        return [copied(inner) if isinstance(inner, dict | list) else inner for inner in value]
    return value


def own(value: Value, evaluate: Evaluate) -> Value:
    """A copy that shares nothing that can change, with each function call evaluated.

    Raises:
        CallFailed: if a function fails.
    """
    kind = type(value)
    if kind is str:
        return _called(value, evaluate) if value.startswith("!") else value
    if kind in _PLAIN:
        return value
    if kind is dict:
        return _own_mapping(value, evaluate)
    if isinstance(value, list):
        return _own_list(value, evaluate)
    return str(value) if isinstance(value, LiteralText) else _called(value, evaluate)


def _own_mapping(value: dict[str, Value], evaluate: Evaluate) -> dict[str, Value]:
    copy: dict[str, Value] = {}
    for key, inner in value.items():
        kind = type(inner)
        if kind in _PLAIN or (kind is str and not inner.startswith("!")):
            copy[key] = inner
        elif inner is not UNSET:
            try:
                copy[key] = own(inner, evaluate)
            except CallFailed as error:
                error.path.append(key)
                raise
    return copy


def _own_list(value: list[Value], evaluate: Evaluate) -> list[Value]:
    copy: list[Value] = []
    for inner in value:
        kind = type(inner)
        if kind in _PLAIN or (kind is str and not inner.startswith("!")):
            copy.append(inner)
        elif inner is not UNSET:
            try:
                copy.append(own(inner, evaluate))
            except CallFailed as error:
                error.path.append(len(copy))
                raise
    return copy


def _called(text: str, evaluate: Evaluate) -> Value:
    call = text if isinstance(text, FunctionCall) else parse_call(text)
    if call is None:
        return text
    try:
        return evaluate(call)
    except FunctionError as error:
        raise CallFailed(str(error)) from None
