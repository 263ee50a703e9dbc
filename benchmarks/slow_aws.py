"""How a first apply of examples/ ends where everything takes its time: prints a table of docs/evidence.md.

    PYTHONPATH=. .venv/bin/python benchmarks/slow_aws.py [--seeds FIRST LAST]

An account that is empty but for what Terraform would have made; every stack is applied once, with `--wait`. In the
first row each thing takes as long as the table of `secrets_pipeline/emulator/control/delays.py` calls usual, in the
other one up to its most, drawn from a seed. Exits 1 if any apply left anything open.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from secrets_pipeline import emulator
from secrets_pipeline.cli.apply.command import WAIT_SECONDS
from secrets_pipeline.emulator import LocalAws, Pace, Profile
from tests.slow_aws import Applied, apply_once, slow_account


def main(arguments: Sequence[str] | None = None) -> None:
    """Apply under each pace, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 199), metavar=("FIRST", "LAST"))
    first, last = parser.parse_args(arguments).seeds
    with tempfile.TemporaryDirectory(prefix="secrets-pipeline-") as folder:
        aws = emulator.start(Path(folder), die_with_parent=True)
        try:
            usual = _applied(aws, Pace(Profile.AWS), "usual")
            drawn = [_applied(aws, Pace(Profile.DRAWN, seed), f"seed {seed}") for seed in range(first, last + 1)]
        finally:
            emulator.stop(Path(folder))
    print("| each thing takes | applies that left nothing open | minutes of AWS's clock | seconds | calls |")
    print("| --- | --- | --- | --- | --- |")
    print(_row("as long as usual", [usual]))
    print(_row(f"up to its most, drawn from seeds {first} to {last}", drawn))
    if any(one.open for one in (usual, *drawn)):
        sys.exit(1)


def _applied(aws: LocalAws, pace: Pace, told: str) -> Applied:
    with slow_account(aws, pace) as account:
        done = apply_once(account, wait=WAIT_SECONDS)
    print(f"{told}: {done.virtual / 60:.0f} minutes, {len(done.open)} open", file=sys.stderr)
    for one in done.open:
        print(f"  {one}", file=sys.stderr)
    return done


def _row(what: str, done: Sequence[Applied]) -> str:
    whole = sum(1 for one in done if not one.open)
    minutes = _range([one.virtual / 60 for one in done], "{:.0f}")
    seconds = _range([one.real for one in done], "{:.0f}")
    calls = _range([one.calls for one in done], "{:.0f}")
    return f"| {what} | {whole} of {len(done)} | {minutes} | {seconds} | {calls} |"


def _range(values: Sequence[float], form: str) -> str:
    """The median, and from where to where."""
    middle = form.format(statistics.median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({form.format(min(values))} to {form.format(max(values))})"


if __name__ == "__main__":
    main()
