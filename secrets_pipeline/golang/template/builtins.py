"""The functions that every template has (`funcs.go` of text/template). `and` and `or` are the evaluator's."""

from __future__ import annotations

from itertools import pairwise
from typing import Final
from urllib.parse import quote_plus

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import spend_on
from secrets_pipeline.golang.printing import NO_VALUE, sprint, sprintln
from secrets_pipeline.golang.template import comparison
from secrets_pipeline.golang.template.printf import sprintf
from secrets_pipeline.golang.values import Function, Value, go_type, is_map, is_true

_HTML: Final = str.maketrans(
    {'"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\N{REPLACEMENT CHARACTER}"}
)
_JAVASCRIPT: Final = {
    "\\": r"\\",
    "'": r"\'",
    '"': r"\"",
    **{character: f"\\u{ord(character):04X}" for character in "<>&="},
}
_MAX_SLICE_INDEXES: Final = 3


def index(item: Value, *indexes: Value) -> Value:
    """`index x 1 "k"` is `x[1]["k"]`; a missing key of a map is nil.

    Raises:
        FunctionFailure: if an index is out of range or of the wrong type, or the item cannot be indexed.
    """
    if item is None:
        raise FunctionFailure("index of untyped nil")
    for one in indexes:
        if item is None:
            raise FunctionFailure("index of nil pointer")
        if is_map(item):
            item = item.get(_key(one))
        elif isinstance(item, str | list | tuple):
            sequence = _sequence(item)
            at = _position(one, len(sequence))
            if at == len(sequence):
                raise FunctionFailure(f"reflect: {_short(item)} index out of range")
            item = sequence[at]
        else:
            raise FunctionFailure(f"can't index item of type {go_type(item)}")
    return item


def slice_(item: Value, *indexes: Value) -> Value:
    """`slice x 1 2` is `x[1:2]`, of a list or of the bytes of a string.

    Raises:
        FunctionFailure: if an index is out of range or of the wrong type, or the item cannot be sliced.
    """
    if item is None:
        raise FunctionFailure("slice of untyped nil")
    if len(indexes) > _MAX_SLICE_INDEXES:
        raise FunctionFailure(f"too many slice indexes: {len(indexes)}")
    if not isinstance(item, str | list | tuple):
        raise FunctionFailure(f"can't slice item of type {go_type(item)}")
    if isinstance(item, str) and len(indexes) == _MAX_SLICE_INDEXES:
        raise FunctionFailure("cannot 3-index slice a string")
    sequence = _sequence(item)
    bounds = [_position(one, len(sequence)) for one in indexes]
    ordered = [*bounds, 0][:1] + (bounds[1:] or [len(sequence)])
    for low, high in pairwise(ordered):
        if low > high:
            raise FunctionFailure(f"invalid slice index: {low} > {high}")
    part = sequence[ordered[0] : ordered[1]]
    return part.decode(errors="replace") if isinstance(part, bytes) else part


def length(item: Value) -> int:
    """The number of elements, or of bytes of a string (`len`).

    Raises:
        FunctionFailure: if the item has no length.
    """
    if item is None:
        raise FunctionFailure("len of nil pointer")
    if isinstance(item, str):
        return len(item.encode())
    if isinstance(item, list | tuple) or is_map(item):
        return len(item)
    raise FunctionFailure(f"len of type {go_type(item)}")


def _key(value: Value) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        raise FunctionFailure("value is nil; should be of type string")
    raise FunctionFailure(f"value has type {go_type(value)}; should be string")


def _sequence(item: str | list[Value] | tuple[Value, ...]) -> bytes | list[Value]:
    return item.encode() if isinstance(item, str) else list(item)


def _short(item: Value) -> str:
    return "string" if isinstance(item, str) else "slice"


def _position(value: Value, limit: int) -> int:
    if value is None:
        raise FunctionFailure("cannot index slice/array with nil")
    if not isinstance(value, int) or isinstance(value, bool):
        raise FunctionFailure(f"cannot index slice/array with type {go_type(value)}")
    if not 0 <= value <= limit:
        raise FunctionFailure(f"index out of range: {value}")
    return value


def call(function: Value, *_arguments: Value) -> Value:
    """`call`: no value of a template is a function, so it fails as in Go.

    Raises:
        FunctionFailure: always.
    """
    if function is None:
        raise FunctionFailure("call of nil")
    raise FunctionFailure(f"non-function of type {go_type(function)}")


def negated(value: Value) -> bool:
    """`not`."""
    return not is_true(value)


def printf(template: str, *arguments: Value) -> str:
    """`printf`, see `sprintf`."""
    return sprintf(template, *arguments)


def html(*values: Value) -> str:
    """The text of the values with the characters of HTML escaped."""
    return _joined(values).translate(_HTML)


def javascript(*values: Value) -> str:
    """The text of the values with the characters of a JavaScript string escaped (`js`)."""
    text = _joined(values)
    spend_on(text)
    return "".join(map(_javascript, text))


def _javascript(character: str) -> str:
    if character in _JAVASCRIPT:
        return _JAVASCRIPT[character]
    if character < " " or not (character.isascii() or character.isprintable()):
        return f"\\u{ord(character):04X}"
    return character


def url_query(*values: Value) -> str:
    """The text of the values as a part of a URL's query (`urlquery`)."""
    return quote_plus(_joined(values))


def _joined(values: tuple[Value, ...]) -> str:
    return sprint(*(NO_VALUE if value is None else value for value in values))


BUILTINS: Final[dict[str, Function]] = {
    "call": call,
    "eq": comparison.equal,
    "ge": comparison.greater_or_equal,
    "gt": comparison.greater,
    "html": html,
    "index": index,
    "js": javascript,
    "le": comparison.less_or_equal,
    "len": length,
    "lt": comparison.less,
    "ne": comparison.not_equal,
    "not": negated,
    "print": sprint,
    "printf": printf,
    "println": sprintln,
    "slice": slice_,
    "urlquery": url_query,
}
"""By the name that templates use."""

SHORT_CIRCUITS: Final = {"and": False, "or": True}
"""The functions that take the first argument of this truth, and evaluate no further."""
