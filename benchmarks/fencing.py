"""What arrives of a run that stood still at a write until another run had taken its lease over: prints a table.

    PYTHONPATH=. .venv/bin/python benchmarks/fencing.py

Nine writes, each stopped at three places between its signature and its last byte; see `tests/fencing.py`. Exits 1 if a
run ends as succeeded, or if a service that takes a signature for five minutes performs a write late.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from secrets_pipeline import emulator
from tests.bench import Bench, unpaced
from tests.embedded import lead_to, operator
from tests.fencing import PLACES, POINTS, force

_FIFTEEN_MINUTES = "ModifyDBInstance"


def main(arguments: Sequence[str] | None = None) -> None:
    """Force every point at every place, and print."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args(arguments)
    wrong = False
    print("| a run stood still at | where | performed late | not as the other run left it | what the run says |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="secrets-pipeline-") as folder, pytest.MonkeyPatch.context() as patch:
        aws = emulator.start(Path(folder), die_with_parent=True)
        try:
            lead_to(aws, patch)
            session = operator(aws)
            for point in POINTS:
                for place in PLACES:
                    ended = force(Bench(aws, session, unpaced(session)), point, place)
                    late, changed = ", ".join(ended.performed) or "nothing", ", ".join(ended.changed) or "nothing"
                    said = "; ".join(ended.said.splitlines()) or "**succeeded**"
                    print(f"| {point.operation} | {place} | {late} | {changed} | {said} |", flush=True)
                    wrong |= ended.succeeded or bool(ended.performed and point.operation != _FIFTEEN_MINUTES)
        finally:
            emulator.stop(Path(folder))
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
