"""No value that was ever stored shows anywhere: not as it is, not in base64, not as an unkeyed hash."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator

from tests.simulation.values import document

SHORTEST = 8
PUBLIC = ("engine", "host", "port", "username", "dbname")
"""Keys of a credentials document that are no secret."""


def secret_parts(value: str) -> Iterator[str]:
    """What must not show of a value: itself, and each secret leaf of a document."""
    yield value
    for key, leaf in (document(value) or {}).items():
        if key not in PUBLIC and isinstance(leaf, str):
            yield leaf


def leaks(values: Iterable[str], texts: Iterable[str]) -> Iterator[str]:
    """Where a value shows; says the text's beginning, never the value.

    Args:
        values: everything that was stored.
        texts: everything that was said.
    """
    said = list(texts)
    everything = "\n".join(said)
    parts = {part for value in values for part in secret_parts(value) if len(part) >= SHORTEST}
    for form in sorted({form for part in parts for form in _forms(part)}):
        if form in everything:
            found = next(text for text in said if form in text)
            yield f"a value, or a hash of one, shows in: {found.replace(form, '***')[:60]}"


def _forms(part: str) -> Iterator[str]:
    raw = part.encode()
    yield part
    yield base64.b64encode(raw).decode().rstrip("=")
    yield from (hashlib.new(name, raw, usedforsecurity=False).hexdigest() for name in ("md5", "sha1", "sha256"))
