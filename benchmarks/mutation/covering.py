"""Which tests run a line, from one run of the suite under coverage.py with a context for each test."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from coverage import CoverageData


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


class Covering:
    """Which tests run a line.

    Args:
        lines: module → line → the tests that run it, as pytest-cov names them; an empty name for an import.
    """

    def __init__(self, lines: Mapping[str, Mapping[int, Sequence[str]]]) -> None:
        self._lines = lines
        self._width = Counter(context for of in lines.values() for contexts in of.values() for context in contexts)

    @staticmethod
    def read(root: Path, data: Path) -> Covering:
        """Read what `run_suite` recorded."""
        stored = CoverageData(str(data))
        stored.read()
        return Covering(
            {str(Path(file).relative_to(root)): stored.contexts_by_lineno(file) for file in stored.measured_files()}
        )

    def tests(self, module: str, lines: range, most: int) -> list[str]:
        """Give the tests that run one of these lines, at most so many: those that run the fewest lines.

        Lines that run as a module is imported belong to no test: then every test counts that runs any of the module.
        A fixture that several tests share is set up for the first: the whole files of such tests come last. Tests of
        one file follow each other, as they share what is set up for them.
        """
        of = self._lines.get(module, {})
        contexts = {context for line in lines for context in of.get(line, ())}
        if contexts == {""}:
            contexts = {context for found in of.values() for context in found}
        narrowest: dict[str, None] = {}
        shared: dict[str, None] = {}
        for context in sorted(contexts - {""}, key=lambda one: (self._width[one], one)):
            test, _, phase = context.rpartition("|")
            narrowest.setdefault(test.partition("[")[0])
            if phase == "setup":
                shared.setdefault(test.partition("::")[0])
        by_file: dict[str, list[str]] = defaultdict(list)
        for test in list(narrowest)[:most]:
            by_file[test.partition("::")[0]].append(test)
        return [*chain.from_iterable(by_file.values()), *list(shared)[:most]]
