"""The seeded simulation over many seeds: prints a table of docs/evidence.md, or the whole schedule of one seed.

    .venv/bin/python benchmarks/simulation.py [--seeds 20000] [--first 0] [--processes 2]
    .venv/bin/python benchmarks/simulation.py --replay 165
    .venv/bin/python benchmarks/simulation.py --broken all [--seeds 1000] [--alone]

Each seed is one schedule of two applies of one stack, rotations, a human at the console and faults at any call, over
an AWS in the same process (tests/simulation); in some seeds the managed rotation function, events with the sensor and
its runs, replicas, and consumers take part. The exit code is 1 if a rule did not hold. `--broken` breaks a rule of
the product on purpose, or each of them, one after another, and looks for the first seed that notices; the exit code
is 1 if none does. With `--alone` nobody takes part but applies, humans and rotations, in a replay or a search.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.simulation.broken_rules import BROKEN
from tests.simulation.reach import NOBODY, Reach
from tests.simulation.simulation import run

_CHUNK = 100
_SEEDS, _BROKEN_SEEDS = 20_000, 1_000


@dataclass
class Total:
    """What several seeds add up to.

    Attributes:
        violations: by seed.
        faults: how often each kind struck.
        rotations: how many came to their end.
        actions: what humans did, by kind.
        reached: what the others did, by kind.
        longest: seconds of the slowest seed.
    """

    seeds: int = 0
    calls: int = 0
    kills: int = 0
    rotations: int = 0
    cpu_seconds: float = 0.0
    longest: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    violations: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def add(self, other: Total) -> None:
        """Add another total to this one."""
        self.seeds += other.seeds
        self.calls += other.calls
        self.kills += other.kills
        self.rotations += other.rotations
        self.cpu_seconds += other.cpu_seconds
        self.longest = max(self.longest, other.longest)
        self.faults += other.faults
        self.actions += other.actions
        self.reached += other.reached
        self.violations |= other.violations


def simulated(seeds: range) -> Total:
    """Run some seeds in this process."""
    total, began = Total(), time.process_time()
    for seed in seeds:
        report = run(seed)
        total.seeds += 1
        total.calls += report.calls
        total.kills += report.kills
        total.rotations += report.rotations
        total.actions += Counter(report.actions)
        total.reached += Counter(report.reached)
        total.longest = max(total.longest, report.seconds)
        total.faults += Counter({kind.value: count for kind, count in report.faults.items()})
        if report.violations:
            total.violations[seed] = report.violations
    total.cpu_seconds = time.process_time() - began
    return total


def totals(first: int, seeds: int, processes: int) -> Iterator[Total]:
    """The totals of chunks, as they come."""
    chunks = [range(at, min(at + _CHUNK, first + seeds)) for at in range(first, first + seeds, _CHUNK)]
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(simulated, chunks)


def table(total: Total, seconds: float, processes: int) -> str:
    """The result in Markdown."""
    rows = {
        "seeds": f"{total.seeds:,}",
        "calls to AWS": f"{total.calls:,}",
        **{f"faults: {kind}": f"{count:,}" for kind, count in sorted(total.faults.items())},
        "runs killed": f"{total.kills:,}",
        "rotations to their end": f"{total.rotations:,}",
        **{kind.replace("_", " "): f"{count:,}" for kind, count in sorted(total.reached.items())},
        **{f"human: {kind.replace('_', ' ')}": f"{count:,}" for kind, count in sorted(total.actions.items())},
        "seconds": f"{seconds:,.0f} on {processes} processes",
        "seeds a CPU second": f"{total.seeds / total.cpu_seconds:.0f}",
        "slowest seed": f"{total.longest:.2f} s",
        "**violations**": f"**{len(total.violations):,}**",
    }
    return "\n".join(["| | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows.items())])


def replay(seed: int, reach: Reach | None) -> int:
    """Print one seed's schedule; never a value."""
    report = run(seed, reach)
    print("\n".join(report.trace))
    for violation in report.violations:
        print(f"VIOLATION {violation}")
    print(f"seed {seed}: {report.calls} calls, {len(report.violations)} violations")
    return 1 if report.violations else 0


def search(name: str, seeds: range, reach: Reach | None) -> bool:
    """Break a rule and print the first seed that notices; whether there is one."""
    with pytest.MonkeyPatch.context() as patch:
        BROKEN[name](patch)
        for seed in seeds:
            if found := run(seed, reach).violations:
                print(f"{name}: seed {seed}: {found[0]}", flush=True)
                return True
    print(f"{name}: not caught by {len(seeds):,} seeds", flush=True)
    return False


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, help="20,000 if not given; 1,000 for a broken rule")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--replay", type=int, metavar="SEED")
    parser.add_argument("--broken", choices=[*BROKEN, "all"], metavar="RULE", help=f"all, {', '.join(BROKEN)}")
    parser.add_argument("--alone", action="store_true")
    asked = parser.parse_args()
    reach = NOBODY if asked.alone else None
    if asked.replay is not None:
        return replay(asked.replay, reach)
    if asked.broken is not None:
        seeds = range(asked.first, asked.first + (asked.seeds or _BROKEN_SEEDS))
        caught = [search(name, seeds, reach) for name in (BROKEN if asked.broken == "all" else [asked.broken])]
        return 0 if all(caught) else 1
    total, began = Total(), time.perf_counter()
    for one in totals(asked.first, asked.seeds or _SEEDS, asked.processes):
        total.add(one)
        for seed, violations in one.violations.items():
            print(f"\rseed {seed}: {violations[0]}", file=sys.stderr)
        print(f"\r{total.seeds:,} seeds, {len(total.violations)} violations", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    last = asked.first + total.seeds - 1
    print(f"Python {platform.python_version()}, {platform.machine()}, seeds {asked.first} to {last}\n")
    print(table(total, time.perf_counter() - began, asked.processes))
    for seed, violations in sorted(total.violations.items()):
        print(f"seed {seed}: {violations[0]}")
    return 1 if total.violations else 0


if __name__ == "__main__":
    sys.exit(main())
