"""400 mutants of the packages that decide, each with the test that notices it: does one still notice it today?

    make mutants                       # judge every mutant on today's code; the killing test runs first
    make mutants ARGS="--only 17 203"  # some of them
    .venv/bin/python benchmarks/mutants.py draw fb509451   # how the list was drawn
    .venv/bin/python benchmarks/mutants.py record          # which tests run the line of each, from coverage's contexts

The list is benchmarks/mutation/mutants.jsonl, a mutant a line. A mutant is found by the qualified name of its function
and the words of its statement, wherever they stand today. If a statement is gone, write the mutant of the new code
with the same wrong behaviour beside it, as `now`; if its code is gone, write why, as `gone`.

The exit code is 1 if a mutant lives that died before, or if one has no verdict.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.mutation.changes import changes
from benchmarks.mutation.covering import Covering, run_suite
from benchmarks.mutation.mutants import PRODUCT, Mutant, Mutated, draw, find
from benchmarks.mutation.running import Copy, NoVerdictError, import_libraries

ROOT = Path.cwd()
LIST = Path("benchmarks", "mutation", "mutants.jsonl")
TESTS = LIST.with_name("tests.txt")
"""Names of tests, one a line; the list has their numbers, from 0."""
AREAS = (
    "engine",
    "reconcilers/marks",
    "reconcilers",
    "desired",
    "references",
    "values",
    "rotation",
    "access",
    "orchestration",
)
COUNT, EACH = 400, 15
"""Mutants, and mutants of each area at least."""
KEPT = 60
"""Tests of each mutant at most: what the narrowest sixty do not notice, a wide one hardly does."""


@dataclass(frozen=True)
class Entry:
    """A mutant and what is known of it.

    Attributes:
        number: its name.
        mutant: as it was drawn.
        now: the mutant of today's code with the same wrong behaviour, if the statement is gone.
        gone: why no code of today can be wrong in this way; empty if some can.
        equivalent: why no test can notice it; empty if one can.
        by: the test that fails; empty if none does.
        tests: that run its line, those that run the fewest lines first.
    """

    number: int
    mutant: Mutant
    now: Mutant | None = None
    gone: str = ""
    equivalent: str = ""
    by: str = ""
    tests: tuple[str, ...] = ()

    @staticmethod
    def read(line: str, names: list[str]) -> Entry:
        """Read a line of the list."""
        document = json.loads(line)
        for member in ("mutant", "now"):
            if document.get(member):
                document[member] = Mutant(**document[member])
        return Entry(**{**document, "tests": tuple(names[number] for number in document.get("tests", ()))})

    def written(self, numbers: Mapping[str, int]) -> str:
        """Write it as a line of the list, without what is empty."""
        document = {**asdict(self), "tests": [numbers[test] for test in self.tests]}
        kept = {name: value for name, value in document.items() if value or name == "number"}
        return json.dumps(kept, ensure_ascii=False)


def read_list() -> list[Entry]:
    """Read the list."""
    names = (ROOT / TESTS).read_text().splitlines()
    return [Entry.read(line, names) for line in (ROOT / LIST).read_text().splitlines()]


def write_list(entries: list[Entry]) -> None:
    """Write the list."""
    names = sorted({test for entry in entries for test in entry.tests})
    numbers = {name: number for number, name in enumerate(names)}
    (ROOT / TESTS).write_text("".join(name + "\n" for name in names))
    (ROOT / LIST).write_text("".join(entry.written(numbers) + "\n" for entry in entries))


def draw_list(seed: str) -> list[Entry]:
    """Draw the mutants: by the number of statements that each area has, and no fewer than `EACH` of an area."""
    modules: dict[str, list[str]] = {}
    for area in AREAS:
        paths = sorted((ROOT / PRODUCT / area).rglob("*.py"))
        taken = {module for of in modules.values() for module in of}
        modules[area] = [str(path.relative_to(ROOT)) for path in paths if str(path.relative_to(ROOT)) not in taken]
    statements = {
        area: len({(module, place) for module in of for place, _ in changes((ROOT / module).read_text())})
        for area, of in modules.items()
    }
    counts = _shares(statements)
    drawn = [mutant for area, of in modules.items() for mutant in draw(ROOT, of, counts[area], f"{seed} {area}")]
    return [Entry(number, mutant) for number, mutant in enumerate(drawn, 1)]


def _shares(statements: Mapping[str, int]) -> dict[str, int]:
    small = {area for area in statements if COUNT * statements[area] < EACH * sum(statements.values())}
    left = COUNT - EACH * len(small)
    rest = sum(count for area, count in statements.items() if area not in small)
    shares = {area: EACH if area in small else left * count // rest for area, count in statements.items()}
    largest = max(shares, key=lambda area: shares[area])
    shares[largest] += COUNT - sum(shares.values())
    return shares


def record_tests(entries: list[Entry], options: list[str]) -> list[Entry]:
    """Run the suite once, and write to each mutant which tests run its line."""
    found = {entry.number: find(ROOT, entry.now or entry.mutant) for entry in entries if not entry.gone}
    modules = sorted({one.path for one in found.values() if one})
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        data = Path(folder, "coverage")
        run_suite(ROOT, data, modules, options)
        covering = Covering.read(ROOT, data)
    recorded = []
    for entry in entries:
        one = found.get(entry.number)
        tests = covering.tests(one.path, one.lines, KEPT) if one else ()
        recorded.append(replace(entry, tests=tuple(tests)))
    return recorded


class TestNames:
    """Where tests are today, by their functions' names: a file may have moved, and a test to another file."""

    def __init__(self, root: Path) -> None:
        self._files: dict[str, list[str]] = {}
        for file in sorted((root / "tests").rglob("test_*.py")):
            for name in re.findall(r"^ *(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE):
                self._files.setdefault(name, []).append(str(file.relative_to(root)))
        self._all = {file for files in self._files.values() for file in files}

    def today(self, recorded: str) -> str | None:
        """Give the name of a test as pytest takes it today; None if it is gone, or if several files have its name."""
        file, _, name = recorded.partition("::")
        if not name:
            return file if file in self._all else None
        files = self._files.get(name.rpartition("::")[2], [])
        if file in files:
            return recorded
        return f"{files[0]}::{name}" if len(files) == 1 else None


_copy: Copy


def _begin(folder: str) -> None:
    global _copy  # noqa: PLW0603 - each process of the pool has one
    _copy = Copy(ROOT, Path(tempfile.mkdtemp(dir=folder)))


def _judge(task: tuple[Entry, Mutated, list[str], float]) -> tuple[Entry, str | None, str, set[str]]:
    """Return the killing test (empty if the mutant lives, None without a verdict), what to print, and red tests."""
    entry, mutated, tests, limit = task
    began = time.monotonic()
    killers = (_copy.killer(mutated, some, limit) for some in _growing(tests))
    try:
        killer = (next(filter(None, killers), None) or "").partition("[")[0]
    except NoVerdictError as error:
        return entry, None, f"NO VERDICT: {error}", _copy.red
    seconds = time.monotonic() - began
    return entry, killer, f"{f'killed by {killer}' if killer else 'LIVES'}, {seconds:.1f} s", _copy.red


def _growing(tests: list[str]) -> Iterator[list[str]]:
    """Give two tests, then eight more, then the rest: the first kill most mutants, and collecting many takes long."""
    for begin, end in pairwise((0, 2, 10, len(tests))):
        if tests[begin:end]:
            yield tests[begin:end]


def judge(entries: list[Entry], processes: int, limit: float) -> Iterator[tuple[Entry, str]]:
    """Judge mutants on today's code, and print each verdict.

    Yields:
        Each entry with a verdict, and the test that killed it, empty if it lives.
    """
    names, tasks = TestNames(ROOT), []
    for entry in entries:
        mutated = find(ROOT, entry.now or entry.mutant)
        if mutated is None:
            print(f"#{entry.number} NOT FOUND: {entry.mutant.module} {entry.mutant.name}: {entry.mutant.before}")
            continue
        tests = [name for name in map(names.today, filter(None, (entry.by, *entry.tests))) if name]
        tasks.append((entry, mutated, list(dict.fromkeys(tests)), limit))
    import_libraries()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    red: set[str] = set()
    with (
        tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder,
        multiprocessing.get_context("fork").Pool(processes, _begin, (folder,)) as pool,
    ):
        Path(folder).chmod(0o711)  # see Copy
        for entry, killer, verdict, failing in pool.imap_unordered(_judge, tasks):
            red |= failing
            print(f"#{entry.number} {verdict}", flush=True)
            if killer is not None:
                yield entry, killer
        # Otherwise SIGTERM ends them, whose handler never runs in one that just begins to wait for a task.
        pool.close()
        pool.join()
    if red:
        print("These tests fail without a mutant, and were left out:", *sorted(red), sep="\n  ")


def main() -> int:
    """Draw, record or judge; the exit code is 1 if a mutant lives that died before, or has no verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command")
    drawing = commands.add_parser("draw", help="draw a new list")
    drawing.add_argument("seed")
    recording = commands.add_parser("record", help="run the suite, and record which tests run each line")
    recording.add_argument("options", nargs="*", help="of pytest, after --")
    judging = commands.add_parser("judge", help="judge the list on today's code")
    judging.add_argument("--only", type=int, nargs="*", help="numbers of the mutants to judge")
    judging.add_argument("-j", "--processes", type=int, default=os.cpu_count(), help="mutants at once (%(default)s)")
    judging.add_argument("--limit", type=float, default=1200, help="seconds for a mutant's tests (%(default)s)")
    judging.add_argument("--write", action="store_true", help="write to the list which test killed each")
    asked = parser.parse_args()
    if asked.command == "draw":
        write_list(draw_list(asked.seed))
        return 0
    entries = read_list()
    if asked.command == "record":
        write_list(record_tests(entries, asked.options))
        return 0
    chosen = [
        one for one in entries if not (one.gone or one.equivalent) and (not asked.only or one.number in asked.only)
    ]
    killers = {entry.number: killer for entry, killer in judge(chosen, asked.processes, asked.limit)}
    counts = Counter("killed" if killer else "alive" for killer in killers.values())
    counts["without a verdict"] = len(chosen) - len(killers)
    print(f"{len(chosen)} judged:", ", ".join(f"{count} {what}" for what, count in counts.items()))
    revived = [one.number for one in chosen if one.by and not killers.get(one.number, one.by)]
    if revived:
        print("Died before, and live now:", *(f"#{number}" for number in revived))
    if asked.write:
        write_list([replace(one, by=killers.get(one.number, one.by)) for one in entries])
    return int(bool(revived or counts["without a verdict"]))


if __name__ == "__main__":
    sys.exit(main())
