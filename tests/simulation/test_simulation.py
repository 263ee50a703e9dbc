"""Seven hundred seeds, of which a run takes a seventh; `benchmarks/simulation.py` runs 20,000, and replays one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.simulation.canary import leaks
from tests.simulation.faults import FaultKind
from tests.simulation.people import ACTIONS, CONSUMER_ACTIONS, REPLICA_ACTIONS
from tests.simulation.simulation import Report, run
from tests.sweep import DAYS, size, turn

SEEDS = 910
CHUNKS = turn(range(DAYS))
_REPLAYED = (0, 11, 14, 20)
"""Seeds in which, all in all, everybody takes part."""
_REPLAY = f"""
from tests.simulation.simulation import run
print("".join(line + chr(10) for seed in {_REPLAYED} for line in run(seed).trace), end="")
"""


@cache
def reports(first: int) -> tuple[Report, ...]:
    """What became of a hundred seeds."""
    return tuple(run(seed) for seed in range(first, SEEDS, DAYS))


@pytest.mark.parametrize("first", CHUNKS)
def test_the_rules_hold_after_every_seed(first: int) -> None:
    assert {report.seed: report.violations for report in reports(first) if report.violations} == {}


def test_a_seed_replays_call_by_call() -> None:
    once = reports(CHUNKS[0])[:12]
    again = [run(report.seed) for report in reversed(once)]
    assert [one.trace for one in once] == [one.trace for one in reversed(again)]
    assert len({one.trace for one in once}) == len(once)


def test_a_seed_replays_in_another_process_whatever_its_hashes() -> None:
    # This process draws its hashes.
    other = subprocess.run(
        [sys.executable, "-c", _REPLAY],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert other.splitlines() == [line for seed in _REPLAYED for line in run(seed).trace]


def test_the_seeds_meet_every_fault_every_actor_and_all_that_a_human_does() -> None:
    every = [report for first in CHUNKS for report in reports(first)]
    assert len(every) == size(SEEDS // DAYS, SEEDS)
    assert all(sum(report.faults[kind] for report in every) for kind in FaultKind)
    assert sum(report.kills for report in every) > size(10, 30)
    assert sum(report.rotations for report in every) > size(10, 30)
    done = sum((Counter(report.actions) for report in every), Counter())
    known = set(ACTIONS) | set(REPLICA_ACTIONS) | set(CONSUMER_ACTIONS)
    assert set(done) <= known
    # A hundred seeds leave the rarest to another day.
    assert len(known - set(done)) <= size(1, 0)
    reached = sum((Counter(report.reached) for report in every), Counter())
    assert set(reached) >= {"on_rotation", "on_outside_change", "on_rotation_failure", "events"}
    assert reached["rotations by the managed function"] > size(5, 60)
    callers = {line.split()[1] for report in every for line in report.trace if "VIOLATION" not in line}
    assert callers >= {"apply-0", "apply-1", "apply-2", "apply-1.2", "rotation", "human", "apply-9", "plan", "others"}
    assert callers >= {"function", "sensor", "events"}


@pytest.mark.parametrize(
    "said",
    [
        "the password is abcdefghijkl",
        "YWJjZGVmZ2hpamts",
        "d682ed4ca4d989c134ec94f1551e1ec580dd6d5a6ecde9f3d35e6e4a717fbde4",
    ],
)
def test_a_value_its_base64_and_its_hash_are_found_in_what_is_said(said: str) -> None:
    stored = '{"host": "orders.example", "password": "abcdefghijkl"}'
    assert list(leaks([stored], ["host orders.example", "plan: nothing to do"])) == []
    (found,) = leaks([stored], ["plan: nothing to do", said])
    assert "abcdefghijkl" not in found
