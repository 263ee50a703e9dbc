"""Validate requests by the service's own botocore model.

botocore checks types and minimum lengths before it sends; AWS also refuses what is too long, out of range, not in the
enumeration or against the pattern. The constraints come from the model that botocore ships, so they are AWS's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from moto.core.utils import get_service_model

from secrets_pipeline.emulator.core.fault import Fault

if TYPE_CHECKING:
    from botocore.model import Shape

_IN_PYTHON: Final = {
    r"\p{L}": r"\w",
    r"\p{M}": "\u0300-\u036f",
    r"\p{N}": r"\d",
    r"\p{P}": r"!-/:-@\[-`{-~\u2010-\u2027",
    r"\p{Z}": r"\s",
    r"\w-": r"\w\-",
}
"""Java's character classes in Python's spelling; each matches the same characters or a few more."""


def validate(service: str, operation: str, params: Mapping[str, Any]) -> None:
    """Refuse parameters that break the model's constraints.

    Args:
        service: botocore's name of the service, for example `secretsmanager`.
        operation: API operation, for example `CreateSecret`.
        params: the request as sent.

    Raises:
        Fault: ValidationException, in the words AWS uses; a sensitive value is not repeated.
    """
    shape = get_service_model(service).operation_model(operation).input_shape
    if shape is None:
        return
    problems = list(_problems(shape, params, ""))
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        raise Fault("ValidationException", f"{len(problems)} validation {noun} detected: " + "; ".join(problems))


def _problems(shape: Shape, value: object, path: str) -> Iterator[str]:
    if shape.type_name in {"list", "map"} and isinstance(value, Sequence | Mapping):
        yield from _range(shape, len(value), value, path, "length")
    elif shape.type_name == "blob" and isinstance(value, bytes):
        # In JSON it is a text, in base64.
        yield from _range(shape, len(value), value, path, "length")
    elif shape.type_name == "string" and isinstance(value, str):
        yield from _string(shape, value, path)
    elif shape.type_name in {"integer", "long"} and isinstance(value, int):
        yield from _range(shape, value, value, path, "value")
    for inner, item, place in _inside(shape, value, path):
        yield from _problems(inner, item, place)


def _inside(shape: Any, value: object, path: str) -> Iterator[tuple[Shape, object, str]]:  # noqa: ANN401 - its subclasses
    """Shape, value and path of each member, entry, key and value."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield member, value[name], f"{path}.{_lower(name)}" if path else _lower(name)
    elif shape.type_name == "list" and isinstance(value, Sequence):
        for index, item in enumerate(value, start=1):
            yield shape.member, item, f"{path}.{index}.member"
    elif shape.type_name == "map" and isinstance(value, Mapping):
        for key, item in value.items():
            yield shape.key, key, f"{path}.key"
            yield shape.value, item, f"{path}.value"


def _string(shape: Shape, value: str, path: str) -> Iterator[str]:
    yield from _range(shape, len(value), value, path, "length")
    options = shape.metadata.get("enum")
    if options and value not in options:
        yield _text(shape, value, path, f"Member must satisfy enum value set: [{', '.join(options)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield _text(shape, value, path, f"Member must satisfy regular expression pattern: {pattern}")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    for java, python in _IN_PYTHON.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern)


def _range(shape: Shape, size: int, value: object, path: str, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield _text(shape, value, path, f"Member must have {what} greater than or equal to {low}")
    if high is not None and size > high:
        yield _text(shape, value, path, f"Member must have {what} less than or equal to {high}")


def _text(shape: Shape, value: object, path: str, constraint: str) -> str:
    sensitive = shape.metadata.get("sensitive") or not isinstance(value, str | int)
    shown = "at" if sensitive else f"'{value}' at"
    return f"Value {shown} '{path}' failed to satisfy constraint: {constraint}"


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
