"""A few hundred seeds; `benchmarks/simulation.py` runs 20,000, and replays one by its number."""

from __future__ import annotations

import pytest

from .faults import FaultKind
from .simulation import run

SEEDS, CHUNK = 400, 50


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_the_rules_hold_after_every_seed(first: int) -> None:
    violations = {seed: run(seed).violations for seed in range(first, first + CHUNK)}
    assert {seed: found for seed, found in violations.items() if found} == {}


def test_a_seed_replays_call_by_call() -> None:
    seeds = range(1000, 1012)
    once = [run(seed) for seed in seeds]
    again = [run(seed) for seed in reversed(seeds)]
    assert [one.trace for one in once] == [one.trace for one in reversed(again)]
    assert len({one.trace for one in once}) == len(seeds)


def test_the_seeds_meet_every_fault_and_every_actor() -> None:
    reports = [run(seed) for seed in range(2000, 2060)]
    assert all(sum(report.faults[kind] for report in reports) for kind in FaultKind)
    assert sum(report.kills for report in reports) > 5
    callers = {line.split()[1] for report in reports for line in report.trace}
    assert {"apply-1", "apply-2", "apply-1.2", "rotation", "human", "apply-9", "plan", "others"} <= callers
