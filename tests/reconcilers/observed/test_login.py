"""A login tells three things apart: accepted, refused, and everything else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from secrets_pipeline.reconcilers.observed.login import Address, LoggedIn, Refused, ServerTrust, Unreachable, log_in
from tests.waiting import WAITER

if TYPE_CHECKING:
    from tests.bench import Bench

PASSWORD = SecretStr("First-password-1")


@pytest.fixture
def address(bench: Bench) -> Address:
    bench.rds.create_db_instance(
        DBInstanceIdentifier=bench.stack,
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword=PASSWORD.get_secret_value(),
        DBName="orders",
    )
    waiter = bench.rds.get_waiter("db_instance_available")
    waiter.wait(DBInstanceIdentifier=bench.stack, WaiterConfig=WAITER)
    at = bench.rds.describe_db_instances(DBInstanceIdentifier=bench.stack)["DBInstances"][0]["Endpoint"]
    return Address("postgres", at["Address"], at["Port"], "owner", "orders", ServerTrust.EMBEDDED)


def test_the_right_password_logs_in_and_wrong_user_or_password_is_refused(address: Address) -> None:
    assert log_in(address, PASSWORD) == LoggedIn()
    assert log_in(address, SecretStr("another-one")) == Refused()
    assert log_in(replace(address, username="nobody"), PASSWORD) == Refused()


def test_a_missing_database_is_no_refused_password(address: Address) -> None:
    assert log_in(replace(address, database="missing"), PASSWORD) == Unreachable("the server answered with 3D000")


def test_nobody_listening_is_unreachable_and_names_the_place(address: Address) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        found = log_in(replace(address, port=port), PASSWORD)
    assert found == Unreachable(f"ConnectionRefusedError at 127.0.0.1:{port}")


@contextmanager
def answering(text: bytes) -> Iterator[int]:
    """A server that reads once, answers, and hangs up; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            # pg8000 asks for TLS first, then goes on without.
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    if connection.recv(1024)[4:8] == b"\x04\xd2\x16\x2f":
                        connection.sendall(b"N")
                        connection.recv(1024)
                    connection.sendall(text)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def error_answer(code: str) -> bytes:
    body = b"SFATAL\0VFATAL\0C" + code.encode() + b"\0Mtext\0\0"
    return b"E" + (len(body) + 4).to_bytes(4) + body


def test_a_line_missing_in_pg_hba_is_not_taken_for_a_wrong_password() -> None:
    # RDS answers so to a connection without TLS where rds.force_ssl is on: no other password would help.
    with answering(error_answer("28000")) as port:
        found = log_in(Address("postgres", "127.0.0.1", port, "owner", "orders", ServerTrust.EMBEDDED), PASSWORD)
    assert found == Unreachable("the server answered with 28000")


def sasl(code: int, data: bytes) -> bytes:
    return b"R" + (len(data) + 8).to_bytes(4) + code.to_bytes(4) + data


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\0" * 64,
        sasl(10, b"ANOTHER\0\0"),
        sasl(11, b"r=another,s=eA==,i=4096"),
    ],
    ids=["nothing", "http", "zeros", "unknown mechanism", "answer to nothing"],
)
def test_something_that_is_no_postgresql_is_unreachable(text: bytes) -> None:
    with answering(text) as port:
        found = log_in(Address("postgres", "127.0.0.1", port, "owner", "orders", ServerTrust.EMBEDDED), PASSWORD)
    assert isinstance(found, Unreachable)
    assert f"127.0.0.1:{port}" in found.reason


def test_another_engine_is_said_to_be_unsupported() -> None:
    found = log_in(Address("oracle-ee", "127.0.0.1", 1, "owner", "orders"), PASSWORD)
    assert found == Unreachable("logins to engine oracle-ee are not supported yet")


@pytest.mark.parametrize("content", [None, "no certificate"])
@pytest.mark.parametrize("engine", ["postgres", "mysql"])
def test_an_unusable_bundle_of_certificates_is_named_before_anybody_is_called(
    tmp_path: Path, engine: str, content: str | None
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    found = log_in(Address(engine, "db.example.invalid", 5432, "owner", "orders"), PASSWORD, ca_file=str(bundle))
    assert isinstance(found, Unreachable)
    assert found.reason.startswith(f"rds_ca_file {bundle} of the operator's settings is unusable: ")


@pytest.mark.parametrize("engine", ["postgres", "mysql"])
def test_a_server_that_never_answers_is_given_up(engine: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        found = log_in(
            Address(engine, "127.0.0.1", port, "owner", "orders", ServerTrust.EMBEDDED), PASSWORD, seconds=0.1
        )
    assert isinstance(found, Unreachable)
    assert f"127.0.0.1:{port}" in found.reason
