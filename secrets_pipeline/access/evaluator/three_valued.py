"""Combine true, false and unknown: what is unknown stays so until something certain decides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Ternary: TypeAlias = bool | None
"""True, False, or None for unknown (Kleene)."""


def negated(one: Ternary) -> Ternary:
    """Negate: what is unknown stays unknown."""
    return None if one is None else not one


def any_of(truths: Iterable[Ternary]) -> Ternary:
    """Combine by or: true if one is, unknown if one may be."""
    found: Ternary = False
    for one in truths:
        if one:
            return True
        if one is None:
            found = None
    return found


def all_of(truths: Iterable[Ternary]) -> Ternary:
    """Combine by and: false if one is, unknown if one may be."""
    found: Ternary = True
    for one in truths:
        if one is False:
            return False
        if one is None:
            found = None
    return found
