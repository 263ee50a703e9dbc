"""Hosts that share a real PostgreSQL and an AWS: each has a UTS namespace, a DAGSTER_HOME and processes of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

import dagster as dg
import yaml

from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.emulator.postgres import Authority, DataFolderTemplate, PostgresServer, find
from secrets_pipeline.orchestration.shared import home
from tests.cli.processes import environment
from tests.e2e.deployment import PROJECT
from tests.waiting import eventually

USER, PASSWORD, DATABASE = "dagster", "throw-away", "dagster"


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a new database."""
    folder = Path(tempfile.mkdtemp(prefix="leases-postgres-"))
    # PostgreSQL runs as nobody where the tests run as root.
    folder.chmod(0o755)
    binaries = find()
    template = DataFolderTemplate(binaries, folder / "template")
    server = PostgresServer(binaries, template, folder / "server", Authority.make().server_context)
    try:
        server.create(USER, PASSWORD, DATABASE)
        yield f"postgresql+psycopg2://{USER}:{PASSWORD}@127.0.0.1:{server.port}/{DATABASE}"
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@cache
def _own_name(name: str) -> Sequence[str]:
    """What gives a process a host name of its own, where the machine lets us."""
    command = ("unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', name)
    try:
        subprocess.run([*command, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return ()
    return command


@dataclass
class Host:
    """A machine.

    Attributes:
        name: its host name.
        home: its DAGSTER_HOME, on the database that all share.
        log: of everything that it starts.
    """

    name: str
    home: Path
    log: Path
    variables: Mapping[str, str]
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *command: str, heard: bool = True) -> subprocess.Popen[str]:
        """Run Python with these arguments; what it prints is read by the caller, or goes to the log."""
        log: IO[str] = self.log.open("a")
        with log:
            started = subprocess.Popen(
                [*_own_name(self.name), sys.executable, "-u", *command],
                stdout=subprocess.PIPE if heard else log,
                stderr=log,
                text=True,
                cwd=PROJECT,
                env=environment(**self.variables, DAGSTER_HOME=str(self.home)),
                start_new_session=True,
            )
        self._started.append(started)
        return started

    def stop(self) -> None:
        """Kill what is left."""
        for process in self._started:
            send(process, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def send(process: subprocess.Popen[str], what: signal.Signals) -> None:
    """To a process and all that it started."""
    try:
        os.killpg(process.pid, what)
    except ProcessLookupError:
        return


def host(name: str, folder: Path, url: str, aws: LocalAws, **variables: str) -> Host:
    """A machine with an empty disk."""
    own = folder / name
    own.mkdir()
    settings = yaml.safe_load(Path(home.__file__).with_name("dagster.yaml").read_text())
    settings["storage"] = {"postgres": {"postgres_url": url}}
    (own / "dagster.yaml").write_text(yaml.safe_dump(settings))
    more = {
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")])),
    }
    return Host(name, own, folder / f"{name}.log", {**aws.environment(), **more, **variables})


@dataclass(frozen=True)
class Apply:
    """An apply of a stack by the command line's own function.

    Attributes:
        process: to stop or to kill.
        gate: the run goes on after its first outcome once this file is there.
    """

    process: subprocess.Popen[str]
    gate: Path

    @classmethod
    def begin(cls, on: Host, stack: str, *, held: bool) -> Apply:
        """Start it; a held one stops in the middle of its first stage, with its lease."""
        gate = on.home / f"{stack}-{len(on._started)}.gate"
        if not held:
            gate.touch()
        return cls(on.start("-m", "tests.e2e.leases.applying", stack, str(gate)), gate)

    def first_outcome(self) -> str:
        """Wait until something is written."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the apply ended before it wrote anything"
        return line

    def report(self) -> Mapping[str, str]:
        """Wait for its end; what it says then."""
        out, _ = self.process.communicate()
        said: dict[str, str] = json.loads(out.splitlines()[-1])
        return said


def run_of(instance: dg.DagsterInstance, stack: str, status: str, *, but: str = "") -> dg.DagsterRun:
    """Wait for a run of a stack."""

    def look() -> dg.DagsterRun | None:
        runs = instance.get_runs(dg.RunsFilter(tags={"dagster/partition": stack}))
        return next((run for run in runs if run.status.value == status and run.run_id != but), None)

    return eventually(look, f"a run of {stack} that is {status}")
