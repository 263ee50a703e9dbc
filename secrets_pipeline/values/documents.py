"""Edit JSON values of secrets: read a field, own some keys and leave the others alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from secrets_pipeline.desired.limits import LONE_SURROGATE, SECRET_VALUE_BYTES
from secrets_pipeline.errors import DocumentError
from secrets_pipeline.references.model import Path


def to_json(document: Mapping[str, Any]) -> SecretStr:
    """A JSON object in one line, keys in their order; leaves may be `SecretStr`.

    Raises:
        DocumentError: if a leaf is neither text, number, boolean nor null.
    """
    problem = ""
    try:
        return SecretStr(json.dumps(_plain(document), ensure_ascii=False, separators=(",", ":"), allow_nan=False))
    except TypeError:
        problem = "holds something that JSON has no type for"
    except ValueError:
        problem = "holds a number that JSON cannot write, or itself"
    raise DocumentError(f"the value {problem}", remedy="Use text, numbers, true, false, null, lists and maps.")


def merge_document(current: SecretStr | None, owned: Mapping[str, Any]) -> SecretStr:
    """The current JSON object with the owned keys set, everything else kept, in the order that it had.

    A map under an owned key is owned key by key as well. New keys come last. Where nothing changes, the text that
    comes back is the text that came in.

    Args:
        current: the value now; None where there is none.
        owned: the keys that we own, with their values; leaves may be `SecretStr`.

    Raises:
        DocumentError: if the current value is not a JSON object, or the merged one is longer than AWS takes.
    """
    if current is None:
        return storable(to_json(owned))
    document = _object(current)
    merged = _merged(document, _plain_map(owned))
    return current if merged == document and _same_types(merged, document) else storable(to_json(merged))


def storable(value: SecretStr) -> SecretStr:
    """The value itself, if Secrets Manager takes it: it answers others with a message that may quote them.

    Raises:
        DocumentError: if it is empty, longer than 65,536 bytes, or no UTF-8.
    """
    text = value.get_secret_value()
    size = len(text.encode(errors="surrogatepass"))
    if LONE_SURROGATE.search(text):
        raise DocumentError(
            "the value holds half of a character (a lone surrogate)", remedy="Write whole characters, or Base64."
        )
    if size == 0:
        raise DocumentError("the value is empty", remedy="Write a value, or correct what it refers to.")
    if size > SECRET_VALUE_BYTES:
        raise DocumentError(
            f"the value has {size} bytes, AWS takes {SECRET_VALUE_BYTES}", remedy="Split it into several secrets."
        )
    return value


def field(value: SecretStr, path: Path) -> SecretStr:
    """One field of a JSON value: a string as it stands, anything else as JSON.

    Args:
        value: a JSON text.
        path: keys and list indexes; empty for the whole value as it stands.

    Raises:
        DocumentError: if the value is not JSON, or has no such field.
    """
    if not path:
        return value
    found = _parsed(value)
    for depth, step in enumerate(path):
        if not _holds(found, step):
            place = ".".join(str(part) for part in path[: depth + 1])
            raise DocumentError(f"the value has no field {place}", remedy="Compare the reference with the secret.")
        found = found[step]
    if isinstance(found, str):
        return SecretStr(found)
    return SecretStr(json.dumps(found, ensure_ascii=False, separators=(",", ":")))


def _holds(document: object, step: str | int) -> bool:
    if isinstance(step, str):
        return isinstance(document, dict) and step in document
    return isinstance(document, list) and 0 <= step < len(document)


def _merged(document: Mapping[str, Any], owned: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(document)
    for key, value in owned.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _same_types(one: object, other: object) -> bool:
    """Whether equal documents are also equal as JSON: Python takes 1, 1.0 and true for the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_same_types(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return all(_same_types(a, b) for a, b in zip(one, other, strict=True))
    return type(one) is type(other)


def _plain_map(document: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): _plain(below) for key, below in document.items()}


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return _plain_map(value)
    if isinstance(value, list | tuple):
        return [_plain(below) for below in value]
    return value


def _object(value: SecretStr) -> dict[str, Any]:
    document = _parsed(value)
    if isinstance(document, dict):
        return document
    raise DocumentError(
        "the current value is JSON, but not an object, so no key of it can be set",
        remedy="Put a JSON object there by hand, or take the field out of the YAML.",
    )


def _parsed(value: SecretStr) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(value.get_secret_value())
    except (ValueError, RecursionError):
        problem = "the value is not JSON, so it has no fields"
    # Raised outside of the handler: the parser's error holds the whole text.
    raise DocumentError(problem, remedy="Put JSON there by hand, or refer to the whole secret.")
