"""Run tests in a copy of the repository, each time in a fork of a process that has imported the libraries."""

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
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from benchmarks.mutation.mutants import Mutated

_PROFILE = "mutant"
_TEST_SECONDS = 120
"""A test that takes longer has failed, as its mutant waits for ever; half of the limit if that is less."""
_LIBRARIES = (
    *("boto3", "cryptography", "dagster", "pg8000", "pydantic", "pymysql", "rich", "trustme", "typer", "yaml"),
    *("moto.moto_server.werkzeug_app", "moto.secretsmanager.responses", "moto.kms.responses", "moto.ssm.responses"),
    *("moto.iam.responses", "moto.rds.responses", "moto.awslambda.responses", "moto.sqs.responses"),
)
_PASSED = {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}


@dataclass(frozen=True)
class Failure:
    """Tests did not pass.

    Attributes:
        test: the first that failed; its file if that cannot be imported; empty if pytest ended before either.
    """

    test: str


class NoVerdictError(Exception):
    """The tests of a mutant did not end in time, or pytest cannot run them even without the mutant."""


def import_libraries() -> None:
    """Import libraries once for all forks, and no module of the repository."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Moto reads them as it is imported.
        os.environ |= {"MOTO_DISABLE_GLOBAL_CORS": "true", "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}
        for library in _LIBRARIES:
            importlib.import_module(library)
    gc.freeze()
    # The first failure says enough: it need not be made small.
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile(
        _PROFILE, deadline=None, phases=phases, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )


class Copy:
    """A copy of a repository in which mutants live: the working tree is never written to.

    Args:
        repository: the working tree; what Git ignores is not copied.
        folder: where the copy is made; the caller removes it.

    Attributes:
        red: tests that fail without a mutant.
    """

    def __init__(self, repository: Path, folder: Path) -> None:
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
        self._sane: dict[str, bool] = {}
        self.red: set[str] = set()

    def killer(self, mutated: Mutated, tests: Sequence[str], limit: float) -> str | None:
        """Run tests on a mutant until one fails that passes without the mutant.

        Args:
            mutated: the mutant.
            tests: names as pytest takes them, in this order.
            limit: seconds of wall time for one run of them.

        Returns:
            The name of the test; None if the mutant survives.

        Raises:
            NoVerdictError: if the tests did not end within the limit, or cannot be run without the mutant either.
        """
        left = [test for test in tests if test not in self.red]
        while left:
            failure = self._with(mutated, left, limit)
            if failure is None:
                return None
            if "::" not in failure.test:
                if self._run(left, limit, "--collect-only") is not None:
                    raise NoVerdictError(f"pytest does not run {' '.join(left)}")
                return left[0]
            if self._passes(failure.test, limit):
                return failure.test
            red = failure.test.partition("[")[0]
            self.red.add(red)
            # Those before it passed.
            at = next((at for at, test in enumerate(left) if red == test or red.startswith(f"{test}::")), len(left))
            left = left[at + 1 :]
        return None

    def _with(self, mutated: Mutated, tests: Sequence[str], limit: float) -> Failure | None:
        module = self._root / mutated.path
        source = module.read_text()
        module.write_text(mutated.source)
        try:
            return self._run(tests, limit)
        finally:
            module.write_text(source)

    def _passes(self, test: str, limit: float) -> bool:
        """Say whether a test passes without a mutant, with all of its parameters: some may be the mutant's own."""
        whole = test.partition("[")[0]
        if whole not in self._sane:
            self._sane[whole] = self._run([whole], limit) is None
        return self._sane[whole]

    def _run(self, tests: Sequence[str], limit: float, *options: str) -> Failure | None:
        temporary = self._folder / "t"
        temporary.mkdir()
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            self._become((*options, *tests), temporary, writing, min(_TEST_SECONDS, limit / 2))
        os.close(writing)
        try:
            ended, _, _ = select.select([reading], [], [], limit)
            if not ended:
                raise NoVerdictError(f"its tests take longer than {limit:g} s")
            said = os.read(reading, 65536).decode()
        finally:
            os.close(reading)
            # Whatever the tests have left running goes with them.
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            shutil.rmtree(temporary, ignore_errors=True)
        code, _, failed = said.partition(" ")
        return None if code.isdigit() and int(code) in _PASSED else Failure(failed)

    def _become(self, tests: Sequence[str], temporary: Path, writing: int, seconds: float) -> None:
        said = ""
        try:
            os.setsid()
            _end_with_parent()
            os.chdir(self._root)
            output = os.open(os.devnull, os.O_WRONLY)
            os.dup2(output, sys.stdout.fileno())
            os.dup2(output, sys.stderr.fileno())
            tempfile.tempdir = None
            os.environ |= {
                "PYTHONPATH": str(self._root),
                "TMPDIR": str(temporary),
                "PYTHONHASHSEED": "0",
                "SWEEP_SEED": "0",
            }
            # Subprocesses take it from PYTHONPATH, before the path of an editable install. Here it takes that one's
            # place as well, as Dagster loads a module without the first.
            root = str(self._root)
            sys.path[:] = [root, *(root if entry == str(self._repository) else entry for entry in sys.path)]
            importlib.invalidate_caches()
            first = _FirstFailure()
            options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", f"--hypothesis-profile={_PROFILE}"]
            options += [f"--timeout={seconds}", f"--basetemp={temporary / 'p'}"]
            code = pytest.main([*options, *tests], plugins=[first])
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
