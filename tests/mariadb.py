"""A real MariaDB on 127.0.0.1, where one is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest
import trustme

from tests.ports import free_port
from tests.waiting import SECONDS, eventually

SERVER, INSTALL = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
HOST = "127.0.0.1"
ALIAS = "127.1"
"""The same address under another name, which the server's certificate is for."""


@dataclass(frozen=True)
class MariaDb:
    """A running server, whose user root has no password.

    Attributes:
        ca_file: who signed its certificate, for the name `ALIAS`.
        statements: log of every statement that it was told.
    """

    port: int
    ca_file: str
    statements: Path

    def root(self) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A session of the user who may do everything."""
        return pymysql.connect(host=HOST, port=self.port, user="root", password="", autocommit=True)


def certificate(folder: Path) -> None:
    """`ca.pem`, and `cert.pem` with `key.pem` signed by it."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    server = authority.issue_cert(ALIAS, common_name="server", key_type=trustme.KeyType.ECDSA)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    server.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    server.private_key_pem.write_to_path(str(folder / "key.pem"))


@contextmanager
def running_mariadb(*options: str) -> Iterator[MariaDb]:
    """A server on 127.0.0.1 alone, without a socket that anybody else uses; gone afterwards.

    Whoever asks for it on a machine without MariaDB is skipped.
    """
    if SERVER is None or INSTALL is None:
        pytest.skip("no MariaDB is installed: apt-get install mariadb-server")
    # Not pytest's folder: the server may run as a user who cannot enter that.
    folder = Path(tempfile.mkdtemp(prefix="secrets-pipeline-mariadb-"))
    data, user = folder / "data", "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    data.mkdir()
    certificate(folder)
    for path in (folder, data, folder / "key.pem"):
        if os.geteuid() == 0:
            shutil.chown(path, user)
    start = [f"--datadir={data}", f"--user={user}"]
    subprocess.run(
        [INSTALL, "--no-defaults", *start, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        capture_output=True,
    )
    port = free_port()
    tls = [f"--ssl-{name}={folder / name}.pem" for name in ("ca", "cert", "key")]
    command = [SERVER, "--no-defaults", *start, f"--bind-address={HOST}", f"--port={port}", *tls, *options]
    command += [f"--socket={data / 's'}", f"--pid-file={data / 'pid'}", f"--log-error={data / 'log'}"]
    command += ["--general-log=1", f"--general-log-file={data / 'statements'}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        server = MariaDb(port, str(folder / "ca.pem"), data / "statements")
        try:
            eventually(lambda: process.poll() is not None or _answers(server), "MariaDB to start")
            assert process.poll() is None, (data / "log").read_text()
            yield server
        finally:
            process.terminate()
            process.wait(SECONDS)
            shutil.rmtree(folder)


def _answers(server: MariaDb) -> bool:
    try:
        server.root().close()
    except pymysql.MySQLError:
        return False
    return True
