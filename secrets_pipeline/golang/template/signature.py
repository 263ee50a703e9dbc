"""Read what a function takes from its Python signature.

Parameters annotated `str`, `int`, `float`, `bool`, `dict[…]` or `Mapping[…]` stand for Go's `string`, `int`, `float64`,
`bool` and `map[string]interface {}`: the evaluator checks arguments for them and words a mistake as Go does. Every
other annotation stands for `interface {}` and takes anything. A default makes a parameter optional; `*rest` is Go's
variadic parameter.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from types import MethodType
from typing import Final

from secrets_pipeline.golang.values import Function, Value, is_map


class ParameterKind(Enum):
    """The Go type of a parameter."""

    ANY = "interface {}"
    STRING = "string"
    INT = "int"
    FLOAT = "float64"
    BOOL = "bool"
    MAP = "map[string]interface {}"

    def accepts(self, value: Value) -> bool:
        """Whether Go could assign the value to a parameter of this type."""
        if self is ParameterKind.MAP:
            return is_map(value)
        if self is ParameterKind.INT:
            return isinstance(value, int) and not isinstance(value, bool)
        return self is ParameterKind.ANY or isinstance(value, _PYTHON[self])


_PYTHON: Final[dict[ParameterKind, type]] = {
    ParameterKind.STRING: str,
    ParameterKind.FLOAT: float,
    ParameterKind.BOOL: bool,
}
_NAMES: Final = {
    "str": ParameterKind.STRING,
    "int": ParameterKind.INT,
    "float": ParameterKind.FLOAT,
    "bool": ParameterKind.BOOL,
    "dict": ParameterKind.MAP,
    "Mapping": ParameterKind.MAP,
}


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a function.

    Attributes:
        kinds: of the named parameters.
        required: how many of them have no default.
        rest: kind of the further arguments; None if there may be none.
    """

    kinds: tuple[ParameterKind, ...]
    required: int
    rest: ParameterKind | None

    def kind(self, position: int) -> ParameterKind:
        """The kind of the argument at a position, from 0, of an allowed number of arguments."""
        return self.kinds[position] if position < len(self.kinds) else self.rest or ParameterKind.ANY

    def mistake(self, explicit: int, piped: int) -> str:
        """What is wrong with the number of arguments, in Go's words; empty if nothing is.

        Args:
            explicit: arguments that are written.
            piped: 1 if the pipeline adds one, else 0.
        """
        given = explicit + piped
        if given < self.required and (self.rest is not None or self.required < len(self.kinds)):
            return f"want at least {self.required} got {explicit}"
        if given < self.required or (self.rest is None and given > len(self.kinds)):
            return f"want {len(self.kinds)} got {given}"
        return ""


def signature_of(function: Function) -> Signature:
    """The signature of a function or of a bound method."""
    if isinstance(function, MethodType):
        whole = _signature(function.__func__)
        return Signature(whole.kinds[1:], max(whole.required - 1, 0), whole.rest)
    return _signature(function)


@lru_cache(maxsize=1024)
def _signature(function: Function) -> Signature:
    kinds: list[ParameterKind] = []
    required = 0
    rest: ParameterKind | None = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            rest = _kind(parameter.annotation)
        elif parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD):
            kinds.append(_kind(parameter.annotation))
            required += parameter.default is inspect.Parameter.empty
    return Signature(tuple(kinds), required, rest)


def _kind(annotation: object) -> ParameterKind:
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return _NAMES.get(name.partition("[")[0] if "|" not in name else "", ParameterKind.ANY)


def empty_of(kind: ParameterKind) -> Mapping[str, Value] | None:
    """What Go passes for no value at all: nil, which is an empty map where a map is expected."""
    return {} if kind is ParameterKind.MAP else None
