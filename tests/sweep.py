"""How much of a sweep a run takes: a turn of it by the day's seed, or with SWEEP=all the whole."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")

DAYS = 7
"""In which each item of a sweep is met."""
WHOLE = os.environ.get("SWEEP") == "all"

# The first process of a run sets it for its workers, which may start on the other side of midnight.
SEED = int(os.environ.setdefault("SWEEP_SEED", str(datetime.now(UTC).date().toordinal())))


def turn(items: Sequence[T]) -> list[T]:
    """Give every seventh item, beginning where the seed says; one of fewer than seven. A week meets every item.

    Args:
        items: the whole sweep, in an order that does not depend on the day.
    """
    every = max(1, min(DAYS, len(items)))
    return list(items) if WHOLE else list(items[SEED % every :: every])


def described() -> str:
    """Say in one line what is taken and how it is had again."""
    if WHOLE:
        return "sweeps: every one whole"
    return f"sweeps: the turn of seed {SEED} (SWEEP_SEED={SEED} takes it again, SWEEP=all takes every sweep whole)"


def boundaries() -> Iterator[int]:
    """Give the day's turn of 0, 1, 2 …, for a sweep that ends by itself: a run that nobody killed any more."""
    return itertools.count() if WHOLE else itertools.count(SEED % DAYS, DAYS)


def size(sampled: int, whole: int) -> int:
    """Give how many cases a sweep over random ones takes: `sampled`, or `whole` with SWEEP=all."""
    return whole if WHOLE else sampled


def examples(usual: int) -> int:
    """Give how many examples a property takes that wants more or fewer than Hypothesis's 100, under today's profile."""
    return max(10, usual * settings().max_examples // 100)
