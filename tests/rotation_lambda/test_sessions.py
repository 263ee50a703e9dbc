"""What is no login: nobody there, somebody else there, nobody answering; each said without a value."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from secrets_pipeline.reconcilers.rotation_function import desired
from secrets_pipeline.rotation_lambda.errors import RotationError
from secrets_pipeline.rotation_lambda.postgres import scram_verifier
from secrets_pipeline.rotation_lambda.secret_value import ENGINES, DatabaseAddress, Login
from secrets_pipeline.rotation_lambda.sessions import TIMEOUT_SECONDS, connect
from tests.rotation_lambda.grounds import MASTER_PASSWORD, Maria, Postgres, Server

pytestmark = pytest.mark.usefixtures("leading")

LOGIN = Login("somebody", "Canary-password-1")
BOTH = ["postgres", "mysql"]


def address(engine: str, port: int, **more: object) -> DatabaseAddress:
    values: dict[str, object] = {"dbname": None, "tls": False, **more}
    return DatabaseAddress(ENGINES[engine], "127.0.0.1", port, **values)  # type: ignore[arg-type] # as the caller gave them


@contextmanager
def answering(text: bytes) -> Iterator[int]:
    """A server that says one thing to everybody and hangs up; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.sendall(text)
                        connection.settimeout(1)
                        connection.recv(4096)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("engine", BOTH)
def test_nobody_there_names_the_place_and_where_to_look(engine: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(RotationError, match=f"No database answers at 127.0.0.1:{port}: ConnectionRefusedError"):
            connect(address(engine, port), LOGIN)


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("engine", BOTH)
@pytest.mark.parametrize(
    "text", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 64, b"R\0\0\0\x17\0\0\0\x0aANOTHER\0\0\0\0"]
)
def test_somebody_else_there_is_an_error_without_the_password(engine: str, text: bytes, tls: bool) -> None:
    with answering(text) as port, pytest.raises(RotationError) as caught:
        connect(address(engine, port, tls=tls), LOGIN)
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert LOGIN.password not in str(caught.value)


@pytest.mark.parametrize("engine", BOTH)
def test_a_server_that_never_answers_is_given_up(engine: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(RotationError, match="No database answers"),
    ):
        connect(address(engine, silent.getsockname()[1]), LOGIN, seconds=0.1)


def test_a_function_has_time_to_say_that_nobody_answered() -> None:
    # A rotation by two users logs in as the superuser, as the user and as its twin.
    assert desired.TIMEOUT_SECONDS > 3 * TIMEOUT_SECONDS


def test_wrong_user_or_password_is_none_and_a_missing_database_an_error(server: Server) -> None:
    place = address(server.engine, server.port)
    assert connect(place, LOGIN) is None
    assert connect(place, Login(server.master, "wrong")) is None
    session = connect(place, Login(server.master, MASTER_PASSWORD))
    assert session is not None
    session.check()
    session.close()
    missing = address(server.engine, server.port, dbname="missing")
    with pytest.raises(RotationError, match=r"with (3D000|error 1049)"):
        connect(missing, Login(server.master, MASTER_PASSWORD))


def test_a_session_whose_server_went_away_fails_without_a_value(server: Server) -> None:
    session = connect(address(server.engine, server.port), Login(server.master, MASTER_PASSWORD))
    assert session is not None
    if isinstance(server, Maria):
        for row in server.execute("SHOW PROCESSLIST"):
            if row[1] == server.master and row[4] == "Sleep":
                server.execute(f"KILL {row[0]}")
    else:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'owner' AND pid <> pg_backend_pid()"
        )
    with pytest.raises(RotationError):
        session.set_own_password(Login(server.master, "Canary-password-2"))
    session.close()
    assert connect(address(server.engine, server.port), Login(server.master, "Canary-password-2")) is None


@pytest.mark.parametrize("iterations", [0, 4096, 10_000])
def test_a_verifier_is_what_postgresql_keeps_and_verifies_the_password_alone(iterations: int) -> None:
    verifier = scram_verifier("Canary-password-1", iterations)
    method, kept, keys = verifier.split("$")
    assert method == "SCRAM-SHA-256"
    assert kept.startswith(f"{max(iterations, 4096)}:")
    assert len(keys.split(":")) == 2
    assert scram_verifier("Canary-password-1", iterations) != verifier, "each has a salt of its own"


def test_where_the_server_keeps_md5_it_is_told_that(postgres_server: Postgres) -> None:
    postgres_server.create_user("keeps_md5", "First-password-1")
    postgres_server.execute("ALTER ROLE keeps_md5 SET password_encryption TO md5")
    place = address("postgres", postgres_server.port)
    session = connect(place, Login("keeps_md5", "First-password-1"))
    assert session is not None
    session.set_own_password(Login("keeps_md5", "Second-password-1"))
    session.close()
    # pg_hba.conf asks for SCRAM, which an MD5 hash cannot answer: the server took the hash for what it is.
    assert connect(place, Login("keeps_md5", "Second-password-1")) is None
    postgres_server.execute("ALTER ROLE keeps_md5 PASSWORD 'First-password-1'")
