"""Does the chain run on AWS emulators that nobody here wrote? Prints a table of docs/evidence.md.

    make test-backends                                           # makes their environments, and runs on both
    PYTHONPATH=. .venv/bin/python benchmarks/backend_run.py [moto] [ministack]
    PYTHONPATH=. .venv/bin/python benchmarks/backend_run.py --declared   # the table that docs/evidence.md has

Each emulator is a process of an environment of its own (`requirements/backends-*.txt`), as it is published. On it the
command line applies copies of examples/: as they are, then without what not every emulator has. What one cannot do is
declared with its reason in `benchmarks/backends/gaps.py`. It exits with 1 if anything else does not work, and if a
declared gap turns out to work.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.backends.chain import CORE, WHOLE, Capability
from benchmarks.backends.gaps import GAPS
from benchmarks.backends.ground import Ground
from benchmarks.backends.judgement import Judged, Shortfall, as_declared, judged
from benchmarks.backends.repository import core, whole
from benchmarks.backends.servers import BACKENDS, ROOT, Backend, running
from secrets_pipeline.cli.local.stand_ins import stand_ins
from secrets_pipeline.emulator import stand_in
from secrets_pipeline.operations.open_repository import open_repository

RUNS: Sequence[tuple[Callable[[Path], Path], Mapping[str, Capability]]] = ((whole, WHOLE), (core, CORE))


def main() -> int:
    """Run on the emulators that are named, all by default; the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("backends", nargs="*", metavar="|".join(BACKENDS), default=list(BACKENDS))
    arguments.add_argument("--declared", action="store_true", help="only print the table of a run as it is declared")
    options = arguments.parse_args()
    asked: list[str] = options.backends
    if options.declared:
        print(declared_table())
        return 0
    began = time.monotonic()
    # Each has a process of its own, as what leads clients to an emulator is in the environment of a process.
    with ProcessPoolExecutor(len(asked), get_context("spawn")) as pool:
        table = dict(zip(asked, pool.map(_on, asked), strict=True))
    print(f"{markdown(table)}\n\n{(time.monotonic() - began) / 60:.1f} minutes, both at once")
    wrong = [f"{name}: {line}" for name, every in table.items() for one in every for line in one.details()]
    print("\n".join(["", *wrong]) if wrong else "\neverything is as declared")
    return 1 if wrong else 0


def _on(name: str) -> list[Judged]:
    backend = BACKENDS[name]
    seen: dict[str, Sequence[Shortfall]] = {}
    for copy, chain in RUNS:
        folder = Path(tempfile.mkdtemp(prefix=f"backend-{backend.name}-"))
        try:
            with running(backend, folder) as aws:
                ground = Ground(aws, copy(folder / "atmos"), folder)
                os.environ["SECRETS_PIPELINE_CONFIG"] = str(ground.repository / "operator.yaml")
                stand_in(aws, stand_ins(open_repository(ground.repository).specs))
                seen |= {name: _tried(backend, name, look, ground) for name, look in chain.items()}
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return judged(seen, GAPS[backend.name])


def _tried(backend: Backend, name: str, look: Capability, ground: Ground) -> Sequence[Shortfall]:
    began = time.monotonic()
    try:
        found = look(ground)
    except Exception as error:  # noqa: BLE001 - an emulator may break anywhere, and what comes after it is looked at
        found = [Shortfall("broke", f"{type(error).__name__}: {error}")]
    print(f"{backend.name}: {name}: {time.monotonic() - began:.0f} s, {len(found)} shortfalls", file=sys.stderr)
    return found


def declared_table() -> str:
    """The table that a run prints if all is as it is declared: docs/evidence.md has it."""
    capabilities = [name for _, chain in RUNS for name in chain]
    return markdown({name: as_declared(capabilities, GAPS[name]) for name in BACKENDS})


def markdown(table: Mapping[str, Sequence[Judged]]) -> str:
    """A row a capability, a column an emulator with its version, and the reason of each gap below.

    Args:
        table: what was judged, by emulator.
    """
    names = list(dict.fromkeys(one.capability for every in table.values() for one in every))
    cells = {(name, one.capability): str(one) for name, every in table.items() for one in every}
    lines = [f"| capability | {' | '.join(map(_with_version, table))} |", f"|---{'|---' * len(table)}|"]
    lines += [f"| {name} | {' | '.join(cells[backend, name] for backend in table)} |" for name in names]
    reasons = dict.fromkeys((gap.id, gap.reason) for every in table.values() for one in every for gap in one.gaps)
    return "\n".join([*lines, "", *(f"* {name}: {reason}." for name, reason in sorted(reasons))])


def _with_version(name: str) -> str:
    (version,) = re.findall(
        rf"^{name}(?:\[\w+\])?==(\S+)", (ROOT / f"requirements/backends-{name}.txt").read_text(), re.MULTILINE
    )
    return f"{name} {version}"


if __name__ == "__main__":
    sys.exit(main())
