"""Start the services of deploy/compose.yaml as processes of this machine: the same commands, variables and settings.

What the file says of containers becomes folders and ports of a test: the image's folders lie in a folder of their own,
each fixed port is a free one. PostgreSQL is that of the embedded AWS's wheel. As root on Linux each process sees a file
system that is read-only but for what the containers may write to; elsewhere the file modes have to do.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from secrets_pipeline import emulator
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.emulator import postgres as local_postgres
from tests.deploy.compose_file import DEPLOY, POSTGRES, Service, image_environment, services
from tests.e2e.deployment import Deployment
from tests.ports import free_port
from tests.waiting import eventually

READ_ONLY: Final = sys.platform == "linux" and os.geteuid() == 0
_PORTS: Final = ("4566", "4000", "3000", "5432")
_SHOWN: Final = 3000
_GRACE_SECONDS: Final = 30
_PARTITIONS: Final = """{
  assetNodeOrError(assetKey: {path: ["stack_config"]}) { ... on AssetNode { partitionKeys } }
}"""
_MOUNTS: Final = r"""
mount --make-rprivate /
for folder in $IMAGE $WRITABLE; do mount --bind "$folder" "$folder"; done
cut -d ' ' -f 2 /proc/mounts | sort -u | while read -r at; do
  case " $WRITABLE " in *" $at "*) continue ;; esac
  case "$at" in /proc | /proc/* | /sys | /sys/* | /dev | /dev/shm | /dev/pts | /dev/mqueue) continue ;; esac
  mount -o remount,bind,ro "$at" 2>/dev/null || true
done
for folder in $IMAGE; do if touch "$folder/written" 2>/dev/null; then exit 1; fi; done
unset IMAGE WRITABLE
exec "$@"
"""
"""Runs in a mount namespace of its own, which ends with the process; /dev/shm is a container's own as well."""


@dataclass
class Composed:
    """The running services.

    Attributes:
        root: where all their folders are.
        environments: image → the virtual environment that it has.
        repository: the Atmos repository.
        ports: number in the file → number here.
        postgres: the database, once it runs.
        processes: name of the service → its process.
    """

    root: Path
    environments: Mapping[str, Path]
    repository: Path
    ports: dict[str, str]
    postgres: local_postgres.PostgresServer | None = None
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Of the webserver."""
        return f"http://127.0.0.1:{self.ports['3000']}"

    @property
    def home(self) -> Path:
        """DAGSTER_HOME as the Dockerfile makes it, with that of ECS below."""
        return self.root / "home"

    @property
    def aws(self) -> LocalAws:
        """The embedded AWS of the service `aws`."""
        found = emulator.status(self.root / "run" / "aws")
        assert found is not None
        return found

    def environment_of(self, service: Service) -> dict[str, str]:
        """The variables of a service's container, with the folders and ports of here."""
        return self.translated({**image_environment(), **service.environment}, service)

    def translated(self, variables: Mapping[str, str], service: Service) -> dict[str, str]:
        """Variables of a container, with the folders and ports of here."""
        return {name: self._here(value, service) for name, value in variables.items()}

    def command_of(self, service: Service, command: Sequence[str]) -> list[str]:
        """A command of a service, with the folders and ports of here."""
        return [self._here(word, service) for word in command]

    def _here(self, text: str, service: Service) -> str:
        places = {
            "/opt/secrets-pipeline/venv": self.environments.get(service.image, self.root),
            "/opt/secrets-pipeline/home": self.home,
            "/srv/atmos": self.repository,
            "/etc/secrets-pipeline": DEPLOY / "local",
            "/run/secrets-pipeline": self.root / "run",
            "/tmp": self.scratch(service),  # noqa: S108 - that of the container
        }
        # A container's own interfaces are this machine's loopback.
        known = {**{place: str(here) for place, here in places.items()}, **self.ports, "0.0.0.0": "127.0.0.1"}  # noqa: S104 - taken out
        return re.sub(rf"(?<![\w/])({'|'.join(map(re.escape, known))})(?!\w)", lambda found: known[found[1]], text)

    def kill(self, name: str) -> None:
        """Kill a service with all that it started, as the end of its host would."""
        process = self.processes.pop(name)
        _signal(process.pid, signal.SIGKILL)
        process.wait()

    def run(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the place of a service: its image's programs, its variables, and no others."""
        service = services()[name]
        environment = self.environment_of(service)
        program = self.environments[service.image] / "bin" / command[0]
        folder = self.scratch(service)
        return subprocess.run(
            [program, *command[1:]], check=False, capture_output=True, text=True, cwd=folder, env=environment
        )

    def scratch(self, service: Service) -> Path:
        """The container's tmpfs."""
        return self.root / "tmp" / service.name

    def start(self, name: str, **more: str) -> None:
        """Start a service, and wait until it is healthy; `more` are variables that the file does not give it."""
        service = services()[name]
        if name == POSTGRES:
            _start_postgres(self, service)
        else:
            _start(self, service, {**self.environment_of(service), **more})


@contextmanager
def composed(environments: Mapping[str, Path], repository: Path) -> Iterator[Composed]:
    """The services, none of them started yet; no process of theirs is left at the end.

    Args:
        environments: image → a virtual environment with what it has installed.
        repository: a copy of the Atmos repository.
    """
    ports = {port: str(free_port()) for port in _PORTS if port != "5432"}
    with tempfile.TemporaryDirectory(prefix="composed-", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        root = Path(folder).resolve()
        # As root the databases run as another user, who has to get there.
        root.chmod(0o711)
        made = Composed(root, environments, repository, ports)
        made.home.mkdir()
        (made.home / "ecs").mkdir()
        for name in ("dagster.yaml", "workspace.yaml"):
            shutil.copyfile(DEPLOY / name, made.home / name)
        both = (DEPLOY / "dagster.yaml").read_text() + (DEPLOY / "launchers" / "ecs.yaml").read_text()
        (made.home / "ecs" / "dagster.yaml").write_text(both)
        (root / "run").mkdir(mode=0o700)
        (root / "tmp").mkdir(mode=0o711)
        stack.callback(_stop, made)
        yield made


def await_partitions(deployment: Deployment, stacks: Collection[str]) -> None:
    """Wait until the daemon's sensor has added the partitions of the stacks."""

    def known() -> bool:
        return set(stacks) <= set(deployment.query(_PARTITIONS)["assetNodeOrError"]["partitionKeys"])

    eventually(known, "the partitions of the stacks")


def left_running(root: Path) -> list[str]:
    """Processes of this machine that have the folder in their command or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue
        if any(str(root).encode() in one for one in told):
            found.append(told[0].replace(b"\0", b" ").decode(errors="replace"))
    return found


def _start_postgres(made: Composed, service: Service) -> None:
    said = service.environment
    folder = made.root / "postgres"
    folder.mkdir(mode=0o711)
    binaries = local_postgres.find()
    template = local_postgres.DataFolderTemplate(binaries, folder / "template")
    authority = local_postgres.Authority.make()
    made.postgres = local_postgres.PostgresServer(binaries, template, folder / "data", authority.server_context)
    made.postgres.create(said["POSTGRES_USER"], said["POSTGRES_PASSWORD"], said["POSTGRES_DB"])
    made.ports["5432"] = str(made.postgres.port)


def _start(made: Composed, service: Service, environment: Mapping[str, str]) -> None:
    scratch = made.scratch(service)
    scratch.mkdir(mode=0o711, exist_ok=True)
    log = made.root / f"{service.name}.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(
            _confined(made.command_of(service, service.command), environment),
            cwd=scratch,
            env=_with_mounts(environment, made, service),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    made.processes[service.name] = process
    check = made.command_of(service, service.check)

    def healthy() -> bool:
        assert process.poll() is None, f"{service.name} ended:\n{log.read_text()[-_SHOWN:]}"
        program = shutil.which(check[0], path=environment["PATH"])
        assert program is not None, f"{service.image} has no {check[0]}"
        done = subprocess.run([program, *check[1:]], check=False, capture_output=True, cwd=scratch, env=environment)
        return done.returncode == 0

    eventually(healthy, lambda: f"{service.name} to be healthy:\n{log.read_text()[-_SHOWN:]}")


def _confined(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    program = shutil.which(command[0], path=environment["PATH"])
    assert program is not None, f"the image has no {command[0]}"
    named = [program, *command[1:]]
    return ["/usr/bin/unshare", "--mount", "/bin/sh", "-ec", _MOUNTS, "sh", *named] if READ_ONLY else named


def _with_mounts(environment: Mapping[str, str], made: Composed, service: Service) -> dict[str, str]:
    if not READ_ONLY:
        return dict(environment)
    image = [made.root, made.repository, DEPLOY / "local", *made.environments.values()]
    writable = [made.scratch(service), made.root / "run"]
    return {**environment, "IMAGE": " ".join(map(str, image)), "WRITABLE": " ".join(map(str, writable))}


def _stop(made: Composed) -> None:
    """End the services, the last one first, as the end of a container ends all that runs in it."""
    for process in reversed(made.processes.values()):
        _signal(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        while (process.poll() is None or _signal(process.pid, 0)) and time.monotonic() < deadline:
            time.sleep(0.1)
        _signal(process.pid, signal.SIGKILL)
        process.wait()
    emulator.stop(made.root / "run" / "aws")
    if made.postgres is not None:
        made.postgres.stop()


def _signal(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
