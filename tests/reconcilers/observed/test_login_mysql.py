"""Logins to engines of MySQL's kind, against a real MariaDB where one is installed."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import SecretStr

from secrets_pipeline.reconcilers.observed.login import Address, LoggedIn, Refused, ServerTrust, Unreachable, log_in
from tests.mariadb import ALIAS, HOST, running_mariadb

PASSWORD = SecretStr("First-password-1!%'\\ü€")
ENGINES = ["mysql", "mariadb", "aurora-mysql"]


@dataclass(frozen=True)
class MariaDb:
    """A running server with a user of one database.

    Attributes:
        ca_file: who signed its certificate, for the name `ALIAS`.
    """

    port: int
    ca_file: str

    def address(self, engine: str = "mysql", **more: Any) -> Address:  # noqa: ANN401 - the fields of an Address
        return replace(Address(engine, HOST, self.port, "owner", "orders", ServerTrust.EMBEDDED), **more)


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    with running_mariadb() as server:
        with server.root() as root, root.cursor() as cursor:
            cursor.execute("CREATE DATABASE orders")
            cursor.execute("CREATE DATABASE forbidden")
            cursor.execute("CREATE USER owner IDENTIFIED BY %s", (PASSWORD.get_secret_value(),))
            cursor.execute("GRANT ALL ON orders.* TO owner")
        yield MariaDb(server.port, server.ca_file)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_right_password_logs_in_and_wrong_user_or_password_is_refused(mariadb: MariaDb, engine: str) -> None:
    address = mariadb.address(engine)
    assert log_in(address, PASSWORD) == LoggedIn()
    assert log_in(address, SecretStr("another-one")) == Refused()
    assert log_in(replace(address, username="nobody"), PASSWORD) == Refused()
    assert log_in(replace(address, database=None), PASSWORD) == LoggedIn()


@pytest.mark.parametrize("database", ["forbidden", "missing"])
def test_a_database_that_the_user_may_not_enter_is_no_refused_password(mariadb: MariaDb, database: str) -> None:
    assert log_in(mariadb.address(database=database), PASSWORD) == Unreachable("the server answered with 1044")


def test_elsewhere_a_server_gets_a_password_only_if_its_certificate_is_trusted(mariadb: MariaDb) -> None:
    elsewhere = mariadb.address(host=ALIAS, trust=ServerTrust.RDS)
    assert log_in(elsewhere, PASSWORD, ca_file=mariadb.ca_file) == LoggedIn()
    assert log_in(elsewhere, SecretStr("another-one"), ca_file=mariadb.ca_file) == Refused()
    found = log_in(elsewhere, PASSWORD)
    assert isinstance(found, Unreachable)
    assert found.reason.startswith(f"the certificate of {ALIAS} is not trusted: set rds_ca_file")
    # The certificate is for ALIAS: a trusted signature on another name's is not enough.
    found = log_in(mariadb.address(host="127.0.1", trust=ServerTrust.RDS), PASSWORD, ca_file=mariadb.ca_file)
    assert isinstance(found, Unreachable)
    assert "is not trusted" in found.reason


GREETING = (
    b"\x0a8.4.0\0" + b"\1\0\0\0" + b"saltsalt" + b"\0" + b"\xff\xf7" + b"\x21" + b"\2\0" + b"\xff\x0f" + b"\x15"
) + (b"\0" * 10 + b"saltsaltsalt\0" + b"mysql_native_password\0")
"""Of a server with every capability but TLS (0x0800)."""


@contextmanager
def answering(text: bytes, heard: list[bytes]) -> Iterator[int]:
    """A server that speaks first, as MySQL does, and keeps what it hears; its port."""
    with socket.create_server((HOST, 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.sendall(text)
                        connection.settimeout(2)
                        heard.append(connection.recv(4096))

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def packet(payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + b"\0" + payload


def test_elsewhere_a_server_without_tls_hears_nothing_at_all() -> None:
    heard: list[bytes] = []
    with answering(packet(GREETING), heard) as port:
        found = log_in(Address("mysql", ALIAS, port, "owner", "orders"), PASSWORD)
    assert found == Unreachable(f"{ALIAS}:{port} offers no TLS")
    assert heard in ([], [b""])


@pytest.mark.parametrize(
    "text",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 64, packet(b"\x0a8"), packet(b"")],
    ids=["nothing", "http", "zeros", "half a greeting", "an empty greeting"],
)
def test_something_that_is_no_mysql_is_unreachable(text: bytes) -> None:
    with answering(text, []) as port:
        found = log_in(Address("mysql", HOST, port, "owner", "orders", ServerTrust.EMBEDDED), PASSWORD)
    assert isinstance(found, Unreachable)
    assert PASSWORD.get_secret_value() not in found.reason


def test_an_error_that_another_password_would_not_mend_is_not_taken_for_a_wrong_one() -> None:
    # ER_HOST_IS_BLOCKED, before any login.
    with answering(packet(b"\xff" + (1129).to_bytes(2, "little") + b"Host is blocked"), []) as port:
        found = log_in(Address("mysql", HOST, port, "owner", "orders", ServerTrust.EMBEDDED), PASSWORD)
    assert found == Unreachable("the server answered with 1129")


def test_nobody_listening_is_unreachable_and_names_the_place() -> None:
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        port = unused.getsockname()[1]
        found = log_in(Address("mariadb", HOST, port, "owner", trust=ServerTrust.EMBEDDED), PASSWORD)
    assert found == Unreachable(f"ConnectionRefusedError at {HOST}:{port}")
