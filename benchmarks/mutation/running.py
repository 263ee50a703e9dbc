"""Tests of a mutant in a copy of the repository, each file in a fork of a process that has imported the libraries."""

from __future__ import annotations

import compileall
import ctypes
import gc
import importlib
import os
import py_compile
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import hypothesis
import pytest

from benchmarks.mutation.mutants import Mutant

_PROFILE = "mutant"
_PASSED = {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}


Tests = tuple[str, ...]
"""Names of tests or of their files, as pytest takes them."""


class Verdict(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"
    EQUIVALENT = "equivalent"


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant.

    Attributes:
        by: the test that failed, or the files that did not end.
        seconds: of wall time.
    """

    verdict: Verdict
    by: Tests = ()
    seconds: float = 0.0


def warm(libraries: Iterable[str]) -> None:
    """Import libraries once for all forks, and no module of the repository."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library in sorted(libraries):
            # What only one platform or one extra has is left to the test that wants it.
            with suppress(Exception):
                importlib.import_module(library)
    # What fails is known by the first failure: it need not be made small.
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    gc.freeze()
    hypothesis.settings.register_profile(
        _PROFILE, deadline=None, phases=phases, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )


class Copy:
    """A copy of a repository in which mutants live: the working tree is never written to."""

    def __init__(self, repository: Path, folder: Path) -> None:
        """Copy what Git does not ignore.

        Args:
            repository: the working tree.
            folder: where the copy is made; whoever made it takes it down.
        """
        _end_with_parent()
        self._repository = repository
        self._folder = folder
        self._root = folder / "r"
        # As root, PostgreSQL runs as nobody, who must come through to its folders.
        folder.chmod(0o711)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - whichever git is on PATH
            cwd=repository,
            check=True,
            capture_output=True,
            text=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (repository / name).is_file():
                (self._root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(repository / name, self._root / name)
        # By content: two mutants of one length, written within a second, are two modules.
        hashed = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(self._root, quiet=2, invalidation_mode=hashed)
        self._sane: dict[Tests, bool] = {}
        self._ignored: set[str] = set()

    def judge(self, mutant: Mutant, stages: Sequence[Sequence[Path]], limit: float) -> Outcome:
        """Run the tests of a mutant, stage by stage, until one fails.

        A failure counts only if the same test passes without the mutant.

        Args:
            mutant: what is put in its module's place.
            stages: test files that are run together, from the repository's root.
            limit: seconds of wall time that a stage may take.
        """
        began = time.monotonic()
        for files in filter(None, stages):
            while True:
                verdict, by = self._with(mutant, files, limit)
                if verdict is Verdict.SURVIVED:
                    break
                if self._passes_without(by, files, limit):
                    return Outcome(verdict, by, time.monotonic() - began)
                self._ignored.update(by)
        return Outcome(Verdict.SURVIVED, (), time.monotonic() - began)

    def _with(self, mutant: Mutant, files: Sequence[Path], limit: float) -> tuple[Verdict, Tests]:
        module = self._root / mutant.path
        module.write_text(mutant.mutated)
        try:
            return self._run([str(file) for file in files if str(file) not in self._ignored], limit)
        finally:
            module.write_text(mutant.source)

    @property
    def ignored(self) -> frozenset[str]:
        """The tests that fail without any mutant."""
        return frozenset(self._ignored)

    def _passes_without(self, tests: Tests, files: Sequence[Path], limit: float) -> bool:
        if tests not in self._sane:
            verdict, _ = self._run(tests, limit)
            # What a mutant's parameters name may not exist without it.
            if verdict is Verdict.KILLED:
                verdict, _ = self._run([str(file) for file in files if tests[0].startswith(str(file))], limit)
            self._sane[tests] = verdict is Verdict.SURVIVED
        return self._sane[tests]

    def _run(self, tests: Sequence[str], limit: float) -> tuple[Verdict, Tests]:
        """Give what tests say, and the first that failed; all of them if they do not end."""
        temporary = self._folder / "t"
        temporary.mkdir()
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            self._become(tests, temporary, writing)
        os.close(writing)
        try:
            ended, _, _ = select.select([reading], [], [], limit)
            said = os.read(reading, 65536).decode() if ended else None
        finally:
            os.close(reading)
            # Whatever the tests have left running goes with them.
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            shutil.rmtree(temporary, ignore_errors=True)
        if said is None:
            return Verdict.TIMED_OUT, tuple(tests)
        code, _, failed = said.partition(" ")
        if code.isdigit() and int(code) in _PASSED:
            return Verdict.SURVIVED, ()
        return Verdict.KILLED, (failed,) if failed else tuple(tests)

    def _become(self, tests: Sequence[str], temporary: Path, writing: int) -> None:
        said = ""
        try:
            os.setsid()
            _end_with_parent()
            os.chdir(self._root)
            output = os.open(os.devnull, os.O_WRONLY)
            os.dup2(output, sys.stdout.fileno())
            os.dup2(output, sys.stderr.fileno())
            tempfile.tempdir = None
            os.environ |= {"PYTHONPATH": str(self._root), "TMPDIR": str(temporary), "PYTHONHASHSEED": "0"}
            # Subprocesses take it from PYTHONPATH, before the path of an editable install.
            sys.path[:] = [str(self._root), *(entry for entry in sys.path if entry != str(self._repository))]
            importlib.invalidate_caches()
            first = _FirstFailure()
            options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", f"--hypothesis-profile={_PROFILE}"]
            ignored = [f"--deselect={name}" for name in self._ignored]
            code = pytest.main([*options, *ignored, f"--basetemp={temporary / 'p'}", *tests], plugins=[first])
            said = f"{int(code)} {first.failed}"
        finally:
            os.write(writing, said.encode())
            os._exit(0)


class _FirstFailure:
    """A plugin of pytest that notes which test failed first."""

    failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def _end_with_parent() -> None:
    # Source: prctl(2), PR_SET_PDEATHSIG; a system without it leaves them to be ended by hand.
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
