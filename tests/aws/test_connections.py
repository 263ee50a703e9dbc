"""The lease is asked inside the connection: what is lost while a connection is made, or waited for, is not sent."""

from __future__ import annotations

import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
import urllib3.connectionpool
import urllib3.util.connection

from secrets_pipeline.aws.guards import Fence
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.emulator import LocalAws, arm
from secrets_pipeline.emulator.control.faults import FaultAction, InjectedFault
from secrets_pipeline.errors import GuardError
from tests.aws.conftest import REGION, Emulator


class Lease:
    """A lease that a test loses.

    Attributes:
        lost: whether another run has it.
        asked: how often it was asked.
    """

    def __init__(self) -> None:
        self.lost = False
        self.asked = 0

    def lose(self, *_: object) -> None:
        self.lost = True

    def check(self) -> None:
        self.asked += 1
        if self.lost:
            raise GuardError("another run took over")

    def account(self) -> AwsAccount:
        """Fenced by it; each one has connections of its own."""
        return Sessions().derived(fence=Fence(self.check)).for_target(Target(region=REGION))


@pytest.fixture
def lease() -> Lease:
    return Lease()


def first(patch: pytest.MonkeyPatch, owner: object, name: str, do: Callable[..., None]) -> None:
    """Let a function do something before what it does."""
    before = getattr(owner, name)

    def both(*args: Any, **more: Any) -> Any:  # noqa: ANN401 - of any function
        do()
        return before(*args, **more)

    patch.setattr(owner, name, both)


def test_a_lease_that_is_lost_while_a_name_is_resolved_or_a_connection_made_stops_the_write(
    lease: Lease, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = lease.account()
    client = account.client("secretsmanager")
    assert account.account_id  # asked before, as the rate of calls is the account's
    first(monkeypatch, urllib3.util.connection, "create_connection", lease.lose)
    with pytest.raises(GuardError, match="another run took over"):
        client.create_secret(Name="a", SecretString="x")
    assert lease.asked > 0
    assert emulator.calls["CreateSecret"] == 0


def test_a_lease_that_is_lost_before_a_used_connection_is_used_again_stops_the_write(
    lease: Lease, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = lease.account().client("secretsmanager")
    client.create_secret(Name="a", SecretString="x")
    first(monkeypatch, urllib3.connectionpool.HTTPConnectionPool, "_get_conn", lease.lose)
    with pytest.raises(GuardError, match="another run took over"):
        client.put_secret_value(SecretId="a", SecretString="y")
    assert emulator.calls["PutSecretValue"] == 0
    # A read asks nobody, over the same connection.
    assert client.describe_secret(SecretId="a")["Name"] == "a"


@contextmanager
def serving(talk: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server of one connection, on this port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with tls.wrap_socket(connection, server_side=True) if tls else connection as opened:
                opened.settimeout(30)
                talk(opened)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(30)
        assert not thread.is_alive()


def rest(connection: socket.socket) -> bytes:
    """What comes until the other side closes, in whichever way."""
    received = b""
    with suppress(ConnectionError, ssl.SSLError):
        while piece := connection.recv(65536):
            received += piece
    return received


def test_a_lease_that_is_lost_during_the_tls_handshake_stops_the_write(
    lease: Lease, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority, received = trustme.CA(), list[bytes]()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    shake = ssl.SSLSocket.do_handshake

    def handshake(one: ssl.SSLSocket, *args: Any) -> None:  # noqa: ANN401 - as it is called
        shake(one, *args)
        lease.lose()

    monkeypatch.setattr(ssl.SSLSocket, "do_handshake", handshake)
    with serving(lambda connection: received.append(rest(connection)), server) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        client = lease.account().client("lambda")
        with pytest.raises(GuardError, match="another run took over"):
            client.delete_function(FunctionName="rotation")
    assert received == [b""]


def test_a_lease_that_is_lost_while_s3_says_to_go_on_keeps_the_body_back(
    lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads, bodies = list[bytes](), list[bytes]()

    def talk(connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        heads.append(head)
        lease.lose()
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        bodies.append(rest(connection))

    with serving(talk) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        client = lease.account().client("s3")
        with pytest.raises(GuardError, match="another run took over"):
            client.put_object(Bucket="seals", Key="k", Body=io.BytesIO(b"x" * 4_000_000))
    assert b"Expect: 100-continue" in heads[0]
    assert bodies == [b""]


@pytest.mark.usefixtures("emulator")
def test_a_fence_names_the_writes_that_were_answered_or_may_be_performed_and_no_read(aws: LocalAws) -> None:
    answered: list[str] = []
    fence = Fence(lambda: None, answered.append)
    client = Sessions().derived(fence=fence).for_target(Target(region=REGION)).client("secretsmanager")
    client.create_secret(Name="shop/dev/api", SecretString="canary")
    client.describe_secret(SecretId="shop/dev/api")
    arm(aws, InjectedFault(FaultAction.ERROR, operation="TagResource"))
    client.tag_resource(SecretId="shop/dev/api", Tags=[{"Key": "a", "Value": "b"}])
    with pytest.raises(client.exceptions.ResourceExistsException):
        client.create_secret(Name="shop/dev/api", SecretString="canary")
    tried = "TagResource shop/dev/api (AWS answered 500)"
    assert answered == ["CreateSecret shop/dev/api", tried, "TagResource shop/dev/api"]
