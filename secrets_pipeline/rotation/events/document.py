"""Read JSON that somebody else wrote, with bounds: what is not of the expected shape is simply not there."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LONGEST = 2048
"""Characters: an ARN at most, https://docs.aws.amazon.com/IAM/latest/APIReference/API_Policy.html"""

EventDocument = Mapping[str, object]
EMPTY: EventDocument = MappingProxyType({})


def at(document: object, *path: str) -> object:
    """What stands under a path of keys; None where there is none."""
    for key in path:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document


def text(document: object, *path: str) -> str | None:
    """A text under a path of keys: not empty, printable and of a length that AWS's names have."""
    found = at(document, *path)
    if isinstance(found, str) and 0 < len(found) <= LONGEST and found.isprintable():
        return found
    return None


def mapping(document: object, *path: str) -> EventDocument:
    """A map under a path of keys; an empty one where there is none."""
    found = at(document, *path)
    return found if isinstance(found, dict) else EMPTY


def entries(document: object, *path: str, most: int = 100) -> list[object]:
    """The first entries of a list under a path of keys."""
    found = at(document, *path)
    return found[:most] if isinstance(found, list) else []
