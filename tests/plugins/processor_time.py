"""Processor time of a process and of all that it started, as Linux counts it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")


class Used(NamedTuple):
    """Seconds of processor time.

    Attributes:
        own: of the process.
        started: of its children and theirs, whether they run or have ended.
    """

    own: float
    started: float

    def since(self, before: Used) -> Used:
        """Give what came after `before`; a child that nobody waited for takes its seconds with it."""
        return Used(max(self.own - before.own, 0.0), max(self.started - before.started, 0.0))

    def plus(self, other: Used) -> Used:
        """Give the sum of both."""
        return Used(self.own + other.own, self.started + other.started)


def used() -> Used:
    """Read what this process and its descendants have used; on other systems than Linux, without those that run."""
    times = os.times()
    living = sum(_living(os.getpid(), _by_parent()))
    return Used(times.user + times.system, times.children_user + times.children_system + living)


def _living(pid: int, by_parent: dict[int, list[tuple[int, float]]]) -> list[float]:
    return [seconds for child, own in by_parent.get(pid, ()) for seconds in (own, *_living(child, by_parent))]


def _by_parent() -> dict[int, list[tuple[int, float]]]:
    """Read parent → its children, each with the seconds of itself and of those it waited for."""
    found: dict[int, list[tuple[int, float]]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name of a program, in parentheses, may hold anything.
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found.setdefault(int(fields[1]), []).append((int(stat.parent.name), sum(map(int, fields[11:15])) / _TICKS))
    return found
