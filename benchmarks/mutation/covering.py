"""Which tests run a line, from one run of the suite under coverage.py with a context for each test."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from coverage import CoverageData

Covering = Mapping[str, Mapping[int, Sequence[str]]]
"""Module → line → the tests that run it, as pytest-cov names them; those that run the fewest lines first."""


def run_suite(root: Path, data: Path, modules: Iterable[str], options: Sequence[str]) -> None:
    """Run the tests and record the lines of `modules` that each runs.

    Args:
        root: the repository.
        data: the file that coverage.py writes.
        modules: paths from the root.
        options: of pytest.
    """
    settings = data.with_name("settings.ini")
    included = "".join(f"\n    {module}" for module in modules)
    settings.write_text(f"[run]\ndata_file = {data}\ninclude ={included}\n")
    command = [sys.executable, "-m", "pytest", f"--cov-config={settings}", "--cov", "--cov-context=test"]
    subprocess.run([*command, "--cov-report=", "-q", *options], cwd=root, check=False)


def read_covering(root: Path, data: Path) -> Covering:
    """Read what `run_suite` recorded."""
    stored = CoverageData(str(data))
    stored.read()
    lines = {str(Path(file).relative_to(root)): stored.contexts_by_lineno(file) for file in stored.measured_files()}
    width = Counter(context for of in lines.values() for contexts in of.values() for context in contexts)
    return {
        module: {
            line: sorted(filter(None, contexts), key=lambda one: (width[one], one)) for line, contexts in of.items()
        }
        for module, of in lines.items()
    }


def tests_of(covering: Covering, module: str, lines: range) -> list[str]:
    """Give the tests that run one of these lines, those that run the fewest lines first.

    Lines that run as a module is imported belong to no test: then every test counts that runs any line of the module.
    A fixture that several tests share is set up for the first: the whole files of such tests come last.
    Tests of one file follow each other, as they share what is set up for them.
    """
    of = covering.get(module, {})
    contexts = [context for line in lines for context in of.get(line, ())]
    contexts = contexts or [context for found in of.values() for context in found]
    tests: dict[str, int] = defaultdict(int)
    files: dict[str, None] = {}
    for place, context in enumerate(contexts):
        test, _, phase = context.rpartition("|")
        tests.setdefault(test.partition("[")[0], place)
        if phase == "setup":
            files.setdefault(test.partition("::")[0])
    by_file: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        by_file[test.partition("::")[0]].append(test)
    return [*chain.from_iterable(by_file.values()), *files]
