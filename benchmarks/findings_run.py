"""Run the tests of the reviews' findings against the reviewed product and today's, and print a row a finding.

    PYTHONPATH=. .venv/bin/python benchmarks/findings_run.py [FINDING …]

`benchmarks/findings.toml` names the tests of each finding, or why nothing was to be done. The reviewed product is the
commit that it names, with today's tests; `emulator = "today"` gives it today's embedded AWS as well, where the old one
could not show the finding. A test counts as red only if its own assertion failed: an error at import, in a fixture or
anywhere else counts as no answer. The exit code is 1 unless each finding was red then and is green now.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_name("findings.toml")
ASSERTIONS = ("AssertionError", "assert ", "Failed: DID NOT RAISE")
"""How pytest's message begins when a test's own assertion failed."""
GREEN, RED = "green", "red"


@dataclass(frozen=True, slots=True)
class Finding:
    """A row of the table.

    Attributes:
        tests: node ids of pytest; one without parameters stands for all of them.
        why_none: why nothing was to be done, if `tests` is empty.
        todays_emulator: whether the reviewed product meets today's embedded AWS.
    """

    name: str
    tests: tuple[str, ...]
    why_none: str
    todays_emulator: bool


def main() -> int:
    """Run all, or the named findings; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("findings", nargs="*", metavar="FINDING")
    wanted: list[str] = parser.parse_args().findings
    table = tomllib.loads(TABLE.read_text())
    findings = [one for one in read(table["finding"]) if not wanted or one.name in wanted]
    with tempfile.TemporaryDirectory() as name:
        then: dict[str, str] = {}
        for todays in (False, True):
            tests = sorted({test for one in findings if one.todays_emulator == todays for test in one.tests})
            folder = Path(name, "todays-emulator" if todays else "reviewed")
            if tests:
                check_out(table["commit"], folder, todays_emulator=todays)
                then |= run(folder, tests)
        now = run(ROOT, sorted({test for one in findings for test in one.tests}))
    print(f"Tests of today, then: the product of {table['commit']}, now: this checkout\n")
    wrong = [one.name for one in findings if not shown(one, then, now)]
    return 1 if wrong else 0


def read(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield the rows of the table in their order."""
    for name, row in rows.items():
        yield Finding(name, tuple(row.get("tests", ())), row.get("nothing", ""), row.get("emulator") == "today")


def check_out(commit: str, folder: Path, *, todays_emulator: bool) -> None:
    """Write the product of a commit into a new folder, beside today's tests and benchmarks."""
    git = shutil.which("git") or "git"
    archive = subprocess.run([git, "-C", ROOT, "archive", commit], check=True, capture_output=True).stdout
    folder.mkdir()
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    todays = ["tests", "benchmarks", *(["secrets_pipeline/emulator"] if todays_emulator else [])]
    for part in todays:
        shutil.rmtree(folder / part)
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))


def run(folder: Path, tests: Sequence[str]) -> dict[str, str]:
    """Run tests in a checkout; map each to `green`, `red` or what happened instead."""
    report = folder / ".findings.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", *tests]
    with tempfile.TemporaryDirectory() as temporary:
        Path(temporary).chmod(0o755)
        variables = {**os.environ, "PYTHONPATH": str(folder), "TMPDIR": temporary}
        done = subprocess.run(command, cwd=folder, env=variables, check=False, capture_output=True, text=True)
    if not report.exists():
        sys.exit(f"pytest ended without a report in {folder}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314 - pytest wrote it just now
    report.unlink()
    outcomes: dict[str, list[str]] = {test: [] for test in tests}
    for case in cases:
        # The class of a test in `tests/a/test_b.py` is `tests.a.test_b`.
        test = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '')}"
        for named, found in outcomes.items():
            if test == named or test.startswith(f"{named}["):
                found.append(_outcome(case))
    return {test: _together(found) for test, found in outcomes.items()}


def _outcome(case: ET.Element) -> str:
    for kind in ("failure", "error", "skipped"):
        element = case.find(kind)
        if element is not None:
            message = element.get("message", "")
            return RED if kind == "failure" and message.startswith(ASSERTIONS) else f"{kind}: {message[:100]}"
    return GREEN


def _together(outcomes: Sequence[str]) -> str:
    """Join the outcomes of a test's parameters: it is red if at least one is, and none ended in another way."""
    other = [one for one in outcomes if one not in {GREEN, RED}]
    if not outcomes:
        return "did not run"
    return other[0] if other else RED if RED in outcomes else GREEN


def shown(finding: Finding, then: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Print the row of a finding; return whether it is as it must be."""
    if not finding.tests:
        print(f"{finding.name:4} nothing to do: {finding.why_none or 'NO REASON IS GIVEN'}")
        return bool(finding.why_none)
    right = True
    for number, test in enumerate(finding.tests):
        good = then[test] == RED and now[test] == GREEN
        right = right and good
        mark = "" if good else "   <- NOT AS IT MUST BE"
        print(f"{finding.name if number == 0 else '':4} then {then[test]}, now {now[test]}  {test}{mark}")
    return right


if __name__ == "__main__":
    sys.exit(main())
