"""Long files first, a table of processor time by directory at the end, and with CI=true a bound on both kinds of time.

`tests/budget.json` holds what each file took when `make budget` measured it last, and how long the yardstick took then.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections import defaultdict
from collections.abc import Generator, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from statistics import mean
from typing import Any

import pytest

from tests import sweep
from tests.plugins.processor_time import Used, used

MINUTES = 22
"""Of wall time may the whole suite take on two quiet cores, and as much more as others slow them down."""
TIMES = 2.0
"""As often the table's processor time may a directory take, and the table's slack more."""


class Measured:
    """What one process of a test run measures, and what the first one gathers.

    Attributes:
        files: file → its processor time.
        tests: file → how many of its tests ran.
        yardsticks: seconds that the yardstick took at the end of each file: a machine's speed changes by the minute.
    """

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.files: dict[str, Used] = defaultdict(lambda: Used(0.0, 0.0))
        self.tests: dict[str, int] = defaultdict(int)
        self.yardsticks: list[float] = []
        self._before = used()

    def finish(self, file: str) -> None:
        """Charge all that was used since the last file to this one."""
        self.files[file] = self.files[file].plus(used().since(self._before))
        self.yardsticks.append(measure_yardstick())
        self._before = used()

    def sent(self) -> dict[str, Any]:
        """Give it as a worker can send it."""
        files = {file: list(one) for file, one in self.files.items()}
        return {"files": files, "tests": dict(self.tests), "yardsticks": self.yardsticks}

    def take(self, sent: dict[str, Any]) -> None:
        """Add what a worker sent."""
        for file, one in sent["files"].items():
            self.files[file] = self.files[file].plus(Used(*one))
        for file, tests in sent["tests"].items():
            self.tests[file] += tests
        self.yardsticks += sent["yardsticks"]

    def of(self, directory: str) -> tuple[int, Used]:
        """Give how many tests of a directory ran, and what they took."""
        files = [file for file in self.files if directory_of(file) == directory]
        total = Used(0.0, 0.0)
        for file in files:
            total = total.plus(self.files[file])
        return sum(self.tests[file] for file in files), total


@dataclass(frozen=True)
class Table:
    """The committed table.

    Attributes:
        files: file → seconds of processor time; those under a tenth are left out.
        yardstick: how long the yardstick took between them on average, in seconds.
        slack: seconds that a directory may take beyond its bound.
        quiet: Python's version → how long the yardstick takes between the tests where nothing else runs, in seconds.
    """

    files: dict[str, float] = field(default_factory=dict)
    yardstick: float = 1.0
    slack: float = 15.0
    quiet: dict[str, float] = field(default_factory=lambda: {"3.11": 0.0061, "3.13": 0.0049})

    @staticmethod
    def read(path: Path) -> Table:
        """Read it; empty before it was first measured."""
        return Table(**json.loads(path.read_text())) if path.exists() else Table()

    def write(self, path: Path) -> None:
        """Write it."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    def of(self, directory: str, files: Iterable[str]) -> float:
        """Sum what those of the files took that are of this directory."""
        return sum(self.files.get(file, 0.0) for file in files if directory_of(file) == directory)


def measure_yardstick() -> float:
    """Measure what a fixed piece of work takes here and now, in seconds of processor time."""
    began, text = time.process_time(), ""
    for number in range(2_000):
        text = hashlib.sha256(json.dumps({"number": number, "text": text}).encode()).hexdigest()
    return time.process_time() - began


def directory_of(file: str) -> str:
    """Give the directory in `tests` that a file is counted to."""
    return "/".join(PurePosixPath(file).parts[:2]) if file.count("/") > 1 else file


_MEASURED = pytest.StashKey[Measured]()
_LINES = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add where the table is, and what `make budget` passes."""
    table = Path(__file__).parents[1] / "budget.json"
    parser.addoption("--budget", type=Path, default=table, help="table of processor time (%(default)s)")
    parser.addoption("--write-budget", action="store_true", help="write it from this run")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to measure."""
    config.stash[_MEASURED] = Measured()


def pytest_report_header() -> str:
    """Say which turn the sweeps take."""
    return sweep.described()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the files that take longest first, so that a short one is the last to begin."""
    known = Table.read(config.getoption("--budget")).files
    items.sort(key=lambda item: -known.get(_file(item), 0.0))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Charge what it took to find the tests, in each process, to a line of its own."""
    session.config.stash[_MEASURED].finish("(collection)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Read the clocks where a file ends."""
    result = yield
    measured, file = item.config.stash[_MEASURED], _file(item)
    measured.tests[file] += 1
    if nextitem is None or _file(nextitem) != file:
        measured.finish(file)
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 - xdist's class, which is not public
    """Take what a worker of a parallel run measured; one that crashed sends nothing."""
    sent = getattr(node, "workeroutput", {}).get("budget")
    if sent is not None:
        node.config.stash[_MEASURED].take(sent)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what a worker measured, or judge the run."""
    config, measured = session.config, session.config.stash[_MEASURED]
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output["budget"] = measured.sent()
        return
    if not measured.yardsticks:
        return
    path: Path = config.getoption("--budget")
    yardstick, table = mean(measured.yardsticks), Table.read(path)
    if config.getoption("--write-budget"):
        files = {file: round(sum(one), 1) for file, one in sorted(measured.files.items()) if sum(one) >= 0.1}
        replace(table, files=files, yardstick=round(yardstick, 5)).write(path)
    scale = yardstick / table.yardstick
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    quiet = table.quiet.get(platform.python_version().rpartition(".")[0], max(table.quiet.values()))
    minutes = MINUTES * max(1.0, yardstick / quiet)
    lines, exceeded = _judged(measured, table, scale, minutes=minutes if whole and not sweep.WHOLE else None)
    config.stash[_LINES] = lines
    if exceeded and os.environ.get("CI") == "true" and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    lines = config.stash.get(_LINES, [])
    if lines:
        terminalreporter.section("processor time")
    for line in lines:
        terminalreporter.line(line)


def _judged(measured: Measured, table: Table, scale: float, *, minutes: float | None) -> tuple[list[str], bool]:
    """Give the table's lines, and whether a bound is exceeded."""
    lines = [f"{'directory':24}{'tests':>7}{'tests s':>10}{'servers s':>11}{'sum s':>8}{'table s':>9}"]
    exceeded: list[str] = []
    total, tests, expected = Used(0.0, 0.0), 0, 0.0
    for directory in sorted({directory_of(file) for file in measured.files}):
        ran, taken = measured.of(directory)
        known = table.of(directory, measured.files) * scale
        total, tests, expected = total.plus(taken), tests + ran, expected + known
        lines.append(_line(directory, ran, taken, known))
        if not sweep.WHOLE and sum(taken) > TIMES * known + table.slack:
            exceeded.append(f"{directory} took {sum(taken):.0f} s of processor time, the table has {known:.0f} s.")
    lines.append(_line("sum", tests, total, expected))
    wall = time.monotonic() - measured.began
    lines.append(f"{wall / 60:.1f} minutes on {os.cpu_count()} cores; the table's seconds are times {scale:.2f} here")
    if minutes is not None and wall > minutes * 60 and (os.cpu_count() or 1) >= 2:
        exceeded.append(f"The suite took {wall / 60:.1f} minutes, {minutes:.1f} are its bound at this speed.")
    lines += [f"Over budget: {one} Find what became dear, or measure anew: make budget." for one in exceeded]
    return lines, bool(exceeded)


def _line(directory: str, tests: int, taken: Used, known: float) -> str:
    return f"{directory:24}{tests:>7}{taken.own:>10.1f}{taken.started:>11.1f}{sum(taken):>8.1f}{known:>9.1f}"


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
