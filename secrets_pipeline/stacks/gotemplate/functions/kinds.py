"""What Go's reflection says about values: kinds, types, emptiness, deep equality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, NoReturn, TypeGuard

from secrets_pipeline.stacks.gotemplate.failure import FunctionFailure
from secrets_pipeline.stacks.gotemplate.values import INVALID, Namespace, go_type, is_map
from secrets_pipeline.stacks.markers import Value

_NIL: Final = "runtime error: invalid memory address or nil pointer dereference"


class Int64(int):
    """A number whose Go type is `int64` and not `int`: what Sprig's arithmetic returns."""

    __slots__ = ()


class NilList(list[Any]):
    """A nil slice: empty, but `null` in JSON."""

    __slots__ = ()


def nil_if_empty(items: list[Value]) -> list[Value]:
    """The items, or Go's nil slice if there are none."""
    return items or NilList()


class GoObject(Namespace):
    """A Go value with methods that is not a function namespace: a time, a version, an address.

    `Namespace.name` is what it prints.

    Attributes:
        go_type: what `%T` prints.
        go_kind: its `reflect.Kind`.
    """

    __slots__ = ()
    go_type: ClassVar[str] = "struct"
    go_kind: ClassVar[str] = "struct"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Namespace) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


def is_list(value: Value) -> TypeGuard[Sequence[Value]]:
    """Whether Go would hold the value in a slice."""
    return isinstance(value, list | tuple)


def type_of(value: Value) -> str:
    """What `%T` prints, for example `[]interface {}`."""
    if isinstance(value, GoObject):
        return value.go_type
    return "int64" if isinstance(value, Int64) else go_type(value)


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
    return "ptr" if isinstance(value, Namespace) else type_of(value)


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
    """Go's `reflect.DeepEqual`: equal values of equal types, so 1 is neither 1.0 nor true."""
    if is_map(left):
        if not is_map(right) or left.keys() != right.keys():
            return False
        return all(deep_equal(value, right[key]) for key, value in left.items())
    if is_list(left):
        if not is_list(right) or len(left) != len(right):
            return False
        return all(map(deep_equal, left, right))
    return type_of(left) == type_of(right) and bool(left == right)


def wrong_type(expected: str, value: Value) -> NoReturn:
    """Refuse an argument as text/template does.

    Raises:
        FunctionFailure: always.
    """
    raise FunctionFailure(f"wrong type for value; expected {expected}; got {type_of(value)}")
