"""How much of a sweep a run takes: a turn of it by the day's seed, or with SWEEP=all the whole."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")

WHOLE = os.environ.get("SWEEP") == "all"

# The first process of a run sets it for its workers, which may start on the other side of midnight.
SEED = int(os.environ.setdefault("SWEEP_SEED", str(datetime.now(UTC).date().toordinal())))


def turn(items: Sequence[T], of: int) -> list[T]:
    """Give every `of`-th item, beginning where the seed says; `of` successive days give each item once.

    Args:
        items: the whole sweep, in an order that does not depend on the day.
        of: into how many turns it is split, 1 to 7, so that a week meets every item.
    """
    if not 1 <= of <= 7:
        msg = f"a sweep is split into 1 to 7 turns, not {of}"
        raise ValueError(msg)
    return list(items) if WHOLE else list(items[SEED % of :: of])


def described() -> str:
    """Say in one line what is taken and how it is had again."""
    if WHOLE:
        return "sweeps: every one whole"
    return f"sweeps: the turn of seed {SEED} (SWEEP_SEED={SEED} takes it again, SWEEP=all takes every sweep whole)"


def boundaries(of: int) -> Iterator[int]:
    """Give the day's turn of 0, 1, 2 …, for a sweep that ends by itself: a run that nobody killed any more."""
    return itertools.count() if WHOLE else itertools.count(SEED % of, of)


def size(sampled: int, whole: int) -> int:
    """Give how many cases a sweep over random ones takes: `sampled`, or `whole` with SWEEP=all."""
    return whole if WHOLE else sampled


def examples(usual: int) -> int:
    """Give how many examples a property takes that wants more or fewer than Hypothesis's 100, under today's profile."""
    return max(10, usual * settings().max_examples // 100)
