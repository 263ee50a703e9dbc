"""Three-valued logic: what is unknown stays unknown until something certain decides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Truth: TypeAlias = bool | None
"""True, False, or None for unknown (Kleene)."""


def negated(one: Truth) -> Truth:
    """Not."""
    return None if one is None else not one


def any_of(truths: Iterable[Truth]) -> Truth:
    """Or: true if one is, unknown if one may be."""
    found: Truth = False
    for one in truths:
        if one:
            return True
        if one is None:
            found = None
    return found


def all_of(truths: Iterable[Truth]) -> Truth:
    """And: false if one is, unknown if one may be."""
    found: Truth = True
    for one in truths:
        if one is False:
            return False
        if one is None:
            found = None
    return found
