"""Make one data folder with `initdb`, and copy it for every server: `initdb` takes most of a server's start."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from secrets_pipeline.emulator.core.identity import VARIABLES
from secrets_pipeline.emulator.postgres.binaries import last_line
from secrets_pipeline.errors import LocalError

if TYPE_CHECKING:
    from secrets_pipeline.emulator.postgres.binaries import Binaries

# RDS's own superuser has this name too, so a master user cannot take it.
ADMINISTRATOR = "rdsadmin"


class DataFolderTemplate:
    """The data folder of a server that nobody started yet, with an administrator and nothing else.

    Args:
        binaries: programs and identity.
        folder: created when it is first needed; whoever owns the folder around it removes it.
    """

    def __init__(self, binaries: Binaries, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._lock = Lock()
        self.administrator_password = secrets.token_urlsafe(32)

    def copy(self, target: Path) -> None:
        """Make `target` a data folder, ready to be started.

        Raises:
            LocalError: if PostgreSQL or the disk refuses.
        """
        with self._lock:
            if not (self._folder / "ready").exists():
                shutil.rmtree(self._folder, ignore_errors=True)
                self._initialise()
                (self._folder / "ready").touch()
        self.run("cp", "-Rp", str(self._folder / "data"), str(target))

    def _initialise(self) -> None:
        identity = self._binaries.identity
        self._folder.mkdir(mode=0o700, parents=False)
        identity.give(self._folder)
        password_file = self._folder / "administrator"
        password_file.touch(mode=0o600)
        identity.give(password_file)
        password_file.write_text(self.administrator_password + "\n")
        try:
            self.run(
                str(self._binaries.folder / "initdb"),
                f"--pgdata={self._folder / 'data'}",
                f"--username={ADMINISTRATOR}",
                "--auth=scram-sha-256",
                f"--pwfile={password_file}",
                "--encoding=UTF8",
                "--locale=C",
                # In MB; the default is 16. Each server copies the template's first segment.
                "--wal-segsize=1",
                "--no-sync",
            )
        finally:
            password_file.unlink()

    def run(self, *command: str) -> None:
        """Run a program as the user that PostgreSQL runs as.

        Raises:
            LocalError: it fails.
        """
        identity = self._binaries.identity
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=VARIABLES,
            **identity.switch,
        )
        if done.returncode:
            raise LocalError(
                f"PostgreSQL did not start: {Path(command[0]).name} said {last_line(done.stderr)!r}",
                remedy=f"Read what it printed: {done.stderr.strip()}",
            )
