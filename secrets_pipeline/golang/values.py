"""Define the values that templates work on, and what Go calls them.

A value is plain Python: `str` (subclasses count as text), `int`, `float`, `bool`, `None`, `list` or `tuple`, a
`Mapping` with `str` keys, or a `Namespace`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, ClassVar, Final, TypeAlias, TypeGuard

Value: TypeAlias = Any
"""A YAML value: `str` (and its subclasses in `golang.yaml.tags`), `int`, `float`, `bool`, `None`, `list`, `dict`."""

Function: TypeAlias = Callable[..., Value]
"""A template function, see `secrets_pipeline.golang.template.signature` for what its annotations mean."""


class MissingKey(Enum):
    """What a key that a map does not have stands for: option `missingkey` of text/template."""

    ERROR = auto()
    """`missingkey=error`: the template fails."""
    NO_VALUE = auto()
    """`missingkey=default`: it prints `<no value>`, and so does every field of it."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """An object with methods, as `strings` and `atmos` are: a function returns it, `strings.Title .x` calls a method.

    Attributes:
        name: what Go would call its type in an error.
        methods: by name; called like functions.
    """

    name: str
    methods: Mapping[str, Function] = field(repr=False)


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


class Int64(int):
    """A number whose Go type is `int64` and not `int`: what Sprig's arithmetic returns."""

    __slots__ = ()


class Absent(Enum):
    """Go's zero `reflect.Value`: not even nil. A missing key yields it, and a pipeline whose value is nil."""

    INVALID = auto()


INVALID: Final = Absent.INVALID

_GO_TYPES: Final = (
    (str, "string"),
    (bool, "bool"),
    (Int64, "int64"),
    (int, "int"),
    (float, "float64"),
    (list | tuple, "[]interface {}"),
)


def is_map(value: Value) -> TypeGuard[Mapping[str, Value]]:
    """Whether Go would hold the value in a map."""
    return type(value) is dict or isinstance(value, Mapping)


def go_type(value: Value) -> str:
    """What `%T` prints of a value, for example `map[string]interface {}`; `<nil>` of `None`."""
    if value is None or value is INVALID:
        return "<nil>"
    if is_map(value):
        return "map[string]interface {}"
    if isinstance(value, Namespace):
        return value.go_type if isinstance(value, GoObject) else value.name
    return next((name for kind, name in _GO_TYPES if isinstance(value, kind)), type(value).__name__)


def is_true(value: Value) -> bool:
    """Whether `if` takes the value for true: not the zero of its type, not empty (`IsTrue` of text/template)."""
    if value is None or value is INVALID:
        return False
    if isinstance(value, str | list | tuple | Mapping):
        return len(value) > 0
    return not isinstance(value, int | float) or value != 0
