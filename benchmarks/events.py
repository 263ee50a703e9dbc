"""Events in random order, a tenth of them twice, some poison, and a daemon killed again and again: prints a table.

    .venv/bin/python benchmarks/events.py [--events 1000] [--kills 5] [--seeds 1,2,3]

Each seed is a storm of its own on a fresh embedded AWS: the sensor runs in a code server as in production, the daemon
is killed by SIGKILL at a random moment each time, and runs stay in the queue, as what they do is not the point. Exit
code 1 if an event was lost, or answered twice, or a message was left.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import boto3

from secrets_pipeline import emulator
from tests.e2e.event_storm import Storm, storm

_TIMEOUT = 900.0


def main() -> int:
    """Let the storms come, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seeds", default="1,2,3")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
    columns = ["seed", "events", "messages", "kills", "runs", "covered", "answered twice"]
    columns += ["left", "dead letters", "poison", "seconds"]
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    good = True
    for seed in map(int, options.seeds.split(",")):
        found = _one(seed, options.events, options.kills)
        good &= _row(seed, found)
    return 0 if good else 1


def _one(seed: int, events: int, kills: int) -> Storm:
    with tempfile.TemporaryDirectory(prefix="secrets-pipeline-events-") as name:
        folder = Path(name)
        aws = emulator.start(folder / "aws", die_with_parent=True)
        try:
            os.environ.update(aws.environment())
            return storm(folder, boto3.Session(), events=events, kills=kills, seed=seed, timeout=_TIMEOUT)
        finally:
            emulator.stop(aws.state_dir)


def _row(seed: int, found: Storm) -> bool:
    covered = sum(map(found.is_covered, found.sent))
    twice = sum(len(runs) > 1 for runs in found.runs.values())
    cells = (
        *(seed, len(found.sent), found.messages, found.kills, found.made, covered),
        *(twice, found.left, found.dead, found.poison, f"{found.seconds:.0f}"),
    )
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    return (covered, twice, found.left, found.dead) == (len(found.sent), 0, 0, found.poison)


if __name__ == "__main__":
    raise SystemExit(main())
