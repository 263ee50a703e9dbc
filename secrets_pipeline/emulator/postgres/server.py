"""Run one real PostgreSQL on 127.0.0.1, with SCRAM only and no Unix socket, behind a relay that offers TLS."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import IO, TYPE_CHECKING, Any

import pg8000.native
from pg8000.exceptions import DatabaseError, InterfaceError

from secrets_pipeline.emulator.core.identity import VARIABLES
from secrets_pipeline.emulator.postgres.binaries import last_line
from secrets_pipeline.emulator.postgres.relay import HOST, Relay
from secrets_pipeline.emulator.postgres.template import ADMINISTRATOR
from secrets_pipeline.errors import LocalError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from secrets_pipeline.emulator.postgres.binaries import Binaries
    from secrets_pipeline.emulator.postgres.template import DataFolderTemplate

# pg8000 ships no types.
_pg8000: Any = pg8000.native
KEEPER = Path(__file__).with_name("keeper.py")
START_SECONDS = 60
_ATTEMPTS = 3
# Statements hold passwords: none is logged, not even one that fails. Nothing here needs to survive a crash.
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "fsync": "off",
    # The default starts three more processes for each server, which read ahead.
    "io_method": "sync",
    "shared_buffers": "16MB",
    "max_connections": "60",
}


class PostgresServer:
    """A database cluster in a folder of its own. Calls wait for each other.

    Args:
        binaries: programs and identity.
        template: what its data begins with.
        folder: created here; removed when the server stops for good.
        tls: the server's side of TLS.
    """

    def __init__(self, binaries: Binaries, template: DataFolderTemplate, folder: Path, tls: ssl.SSLContext) -> None:
        self._binaries = binaries
        self._folder = folder
        self._template = template
        self._keeper: subprocess.Popen[str] | None = None
        self._turn = RLock()
        self._stopped = False
        self._tls = tls
        self._relay: Relay | None = None
        self._own_port = 0
        self._kept = folder.with_name(f"{folder.name}-kept")
        self._kept_running = False
        self._used = 0

    @property
    def port(self) -> int:
        """Where clients connect, 0 as long as none is reserved; the same one whenever the server runs."""
        return self._relay.port if self._relay is not None else 0

    def create(self, username: str, password: str, dbname: str | None) -> None:
        """Initialise and start the server, with a master user that is no superuser, as on RDS.

        Args:
            username: master user.
            password: its password; never on a command line.
            dbname: database to create, owned by the master user.

        Raises:
            LocalError: the server does not start.
        """
        user = _pg8000.identifier(username)
        with self._turn:
            self._initialise()
            self.start()
            self._furnish(user, password, dbname)

    def _furnish(self, user: str, password: str, dbname: str | None) -> None:
        with self._session() as run:
            run.run(f"CREATE ROLE {user} LOGIN CREATEDB CREATEROLE PASSWORD {_pg8000.literal(password)}")
            run.run(f"GRANT pg_monitor, pg_signal_backend TO {user}")
            run.run(f"GRANT CREATE ON DATABASE postgres TO {user}")
            if dbname and dbname != "postgres":
                # Copying files takes half the time of writing every page to the log.
                run.run(f"CREATE DATABASE {_pg8000.identifier(dbname)} OWNER {user} STRATEGY FILE_COPY")

    def set_password(self, username: str, password: str) -> None:
        """Change a user's password, whatever it is now."""
        with self._turn, self._session() as run:
            self._used = -1
            user, text = _pg8000.identifier(username), _pg8000.literal(password)
            run.run(f"ALTER ROLE {user} PASSWORD {text}")

    def reserve_port(self) -> int:
        """The port that the server is going to answer at."""
        with self._turn:
            return self._reserved().port

    def _reserved(self) -> Relay:
        self._relay = self._relay or Relay(self._tls)
        return self._relay

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._keeper is not None

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            LocalError: it does not, within a minute and three ports.
        """
        with self._turn:
            for _ in range(_ATTEMPTS):
                self._own_port = _free_port()
                self._launch()
                if self._answers():
                    self._reserved().start(self._own_port)
                    return
                self._release("keep\n")
        log = self._folder / "postgres.log"
        raise LocalError(
            f"PostgreSQL did not start: it said {last_line(log.read_text(errors='replace'))!r}", remedy=f"Read {log}."
        )

    def stop(self, *, keep: bool = False) -> None:
        """Stop the server and wait; without `keep` its folder goes too and it never starts again."""
        with self._turn:
            self._stopped = not keep
            self._release("keep\n" if keep else "")
            if self._relay is not None and keep:
                self._relay.rest()
            elif self._relay is not None:
                self._relay.close()
            if not keep:
                shutil.rmtree(self._folder, ignore_errors=True)

    def save(self) -> None:
        """Keep the data as it is now beside the server's folder, for `restore`."""
        with self._turn:
            shutil.rmtree(self._kept, ignore_errors=True)
            if not (self._folder / "data").exists():
                return
            self._kept_running = self.running
            self.stop(keep=True)
            self._copy(self._folder, self._kept)
            if self._kept_running:
                self.start()
            self._used = self._reserved().clients

    def restore(self) -> None:
        """Have the data that was kept again, at the same port, even after the server was stopped for good.

        Nothing happens if nobody has connected since.
        """
        with self._turn:
            relay = self._reserved()
            if not self._kept.exists() or (self.running is self._kept_running and self._used == relay.clients):
                return
            self.stop(keep=not self._stopped)
            if self._stopped:
                self._relay, self._stopped = Relay(self._tls, relay.port), False
            shutil.rmtree(self._folder, ignore_errors=True)
            self._copy(self._kept, self._folder)
            if self._kept_running:
                self.start()
            self._used = self._reserved().clients

    def _copy(self, folder: Path, target: Path) -> None:
        target.mkdir(mode=0o700, parents=False)
        self._binaries.identity.give(target)
        self._template.run("cp", "-Rp", str(folder / "data"), str(target / "data"))

    def _release(self, last_words: str) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.communicate(last_words)

    def _initialise(self) -> None:
        self._folder.mkdir(mode=0o700, parents=False)
        self._binaries.identity.give(self._folder)
        self._template.copy(self._folder / "data")

    def _launch(self) -> None:
        if self._stopped:
            raise LocalError("This PostgreSQL was stopped for good.", remedy="Create another instance.")
        identity, settings = self._binaries.identity, {**_SETTINGS, "port": str(self._own_port)}
        command = [
            sys.executable,
            "-I",
            "-S",
            str(KEEPER),
            str(-1 if identity.user is None else identity.user),
            str(-1 if identity.group is None else identity.group),
            str(self._folder),
            str(self._binaries.folder / "postgres"),
            "-D",
            str(self._folder / "data"),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ]
        with self._log() as log:
            self._keeper = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                cwd="/",
                env=VARIABLES,
                start_new_session=True,
            )

    def _log(self) -> IO[bytes]:
        return (self._folder / "postgres.log").open("wb")

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._postmaster_lives():
            try:
                with self._session():
                    return True
            except (DatabaseError, InterfaceError, OSError):
                time.sleep(0.02)
        return False

    def _postmaster_lives(self) -> bool:
        """False once PostgreSQL has said why it stopped, for example that the port is taken."""
        return b"FATAL:  could not create" not in (self._folder / "postgres.log").read_bytes()

    @contextmanager
    def _session(self) -> Iterator[Any]:
        connection = _pg8000.Connection(
            ADMINISTRATOR,
            host=HOST,
            port=self._own_port,
            ssl_context=False,
            database="postgres",
            password=self._template.administrator_password,
            timeout=START_SECONDS,
        )
        try:
            yield connection
        finally:
            connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
