"""What Go's reflection says about values: kinds, types, emptiness, deep equality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, Final, NoReturn, TypeGuard

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import MAX_ELEMENTS, spend
from secrets_pipeline.golang.values import INVALID, GoObject, Namespace, Value, go_type, is_map

_NIL: Final = "runtime error: invalid memory address or nil pointer dereference"


_STEPS_PER_COMPARISON: Final = 2
_COMPARED_AT_ONCE: Final = 1_000  # before they are counted for the repository


class NilList(list[Any]):
    """A nil slice: empty, but `null` in JSON."""

    __slots__ = ()


def nil_if_empty(items: list[Value]) -> list[Value]:
    """The items, or Go's nil slice if there are none."""
    return items or NilList()


def is_list(value: Value) -> TypeGuard[Sequence[Value]]:
    """Whether Go would hold the value in a slice."""
    return isinstance(value, list | tuple)


def kind_of(value: Value) -> str:
    """The name of the `reflect.Kind`, for example `slice`; `invalid` of nil."""
    if value is None or value is INVALID:
        return "invalid"
    if is_list(value):
        return "slice"
    if is_map(value):
        return "map"
    if isinstance(value, GoObject):
        return value.go_kind
    return "ptr" if isinstance(value, Namespace) else go_type(value)


def kind_of_type(value: Value) -> str:
    """The kind, as the functions find it that fail on nil.

    Raises:
        FunctionFailure: of nil.
    """
    if value is None or value is INVALID:
        raise FunctionFailure(_NIL)
    return kind_of(value)


def is_empty(value: Value) -> bool:
    """Whether Sprig's `default` takes the value for unset: nil, false, zero, or without elements."""
    if value is None or value is INVALID:
        return True
    if isinstance(value, str | list | tuple | Mapping):
        return len(value) == 0
    return isinstance(value, int | float) and value == 0


def deep_equal(left: Value, right: Value) -> bool:
    """Go's `reflect.DeepEqual`: equal values of equal types, so 1 is neither 1.0 nor true.

    Raises:
        FunctionFailure: if it takes too many comparisons.
    """
    return Comparer().finds(left, (right,))


class Comparer:
    """Compares values deeply, with one limit for all of them."""

    def __init__(self) -> None:
        self._compared = 0
        self._spent = 0

    def equal(self, left: Value, right: Value) -> bool:
        """See `deep_equal`."""
        return self._equal(left, right, {})

    def finds(self, value: Value, items: Iterable[Value]) -> bool:
        """Whether any of the items is equal."""
        try:
            return any(self._equal(value, item, {}) for item in items)
        finally:
            self._spend()

    def _spend(self) -> None:
        spent, self._spent = self._spent, self._compared
        spend(_STEPS_PER_COMPARISON * (self._compared - spent))

    def _equal(self, left: Value, right: Value, visited: dict[tuple[int, int], tuple[Value, Value]]) -> bool:
        """Like Go, compares two lists or maps once, however often they are reached: one difference decides anyway."""
        self._compared += 1
        if self._compared - self._spent >= _COMPARED_AT_ONCE:
            self._spend()
        if self._compared > MAX_ELEMENTS:
            raise FunctionFailure(f"more than {MAX_ELEMENTS} comparisons are not supported")
        if not isinstance(left, Mapping | list | tuple):
            return go_type(left) == go_type(right) and bool(left == right)
        pair = id(left), id(right)
        if left is right or pair in visited:
            return True
        visited[pair] = left, right  # kept, so that their ids stay theirs
        if is_map(left):
            if not is_map(right) or left.keys() != right.keys():
                return False
            return all(self._equal(value, right[key], visited) for key, value in left.items())
        return is_list(right) and len(left) == len(right) and all(map(self._equal, left, right, repeat(visited)))


def wrong_type(expected: str, value: Value) -> NoReturn:
    """Refuse an argument as text/template does.

    Raises:
        FunctionFailure: always.
    """
    raise FunctionFailure(f"wrong type for value; expected {expected}; got {go_type(value)}")
