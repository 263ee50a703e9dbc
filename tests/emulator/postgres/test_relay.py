"""The relay alone, before a server that sends back what it gets."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from secrets_pipeline.emulator.postgres import Authority
from secrets_pipeline.emulator.postgres.relay import Relay, _loop
from tests.waiting import SECONDS, eventually

TLS, GSS, CANCEL = (struct.pack("!II", 8, code) for code in (80877103, 80877104, 80877102))
STARTUP = struct.pack("!II", 8, 196608)


class Echo:
    """Sends back what it gets, and, once the client has ended its half, `goodbye`."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listening.getsockname()[1])
        self.open = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self.open += 1
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
            connection.sendall(b"goodbye")
        except OSError:
            pass
        finally:
            connection.close()
            self.open -= 1


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.make()


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.listening.close()


@pytest.fixture
def relay(authority: Authority, echo: Echo) -> Iterator[Relay]:
    made = Relay(authority.server_context)
    made.start(echo.port)
    yield made
    made.close()


def connect(relay: Relay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", relay.port), timeout=SECONDS)


def exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        more = connection.recv(size - len(received))
        if not more:
            break
        received += more
    return received


def ended(connection: socket.socket) -> bool:
    """Whether the other side has ended it, without sending anything before."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def encrypted(relay: Relay, authority: Authority, name: str = "127.0.0.1") -> ssl.SSLSocket:
    plain = connect(relay)
    plain.sendall(TLS)
    assert plain.recv(1) == b"S"
    context = ssl.create_default_context(cadata=authority.certificate.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context.wrap_socket(plain, server_hostname=name)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_who_asks_for_tls_gets_it_with_a_certificate_of_the_host(relay: Relay, authority: Authority, name: str) -> None:
    with closing(encrypted(relay, authority, name)) as connection:
        connection.sendall(STARTUP + b"hello")
        assert exactly(connection, 13) == STARTUP + b"hello"
        assert connection.version() == "TLSv1.3"


def test_a_certificate_of_another_host_or_authority_is_none(relay: Relay, authority: Authority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"doesn't match|mismatch"):
        encrypted(relay, authority, "orders.abc.eu-west-2.rds.amazonaws.com")
    with pytest.raises(ssl.SSLCertVerificationError):
        encrypted(relay, Authority.make())


@pytest.mark.parametrize("first", [STARTUP, CANCEL + b"process!"])
def test_who_does_not_ask_is_served_in_clear(relay: Relay, first: bytes) -> None:
    with closing(connect(relay)) as connection:
        connection.sendall(first)
        assert exactly(connection, len(first)) == first


def test_a_first_packet_in_pieces_is_one(relay: Relay) -> None:
    with closing(connect(relay)) as connection:
        for byte in STARTUP:
            connection.sendall(bytes([byte]))
        assert exactly(connection, len(STARTUP)) == STARTUP


def test_gss_encryption_is_declined_and_tls_may_follow(relay: Relay, authority: Authority) -> None:
    with closing(connect(relay)) as plain:
        plain.sendall(GSS)
        assert plain.recv(1) == b"N"
        plain.sendall(TLS)
        assert plain.recv(1) == b"S"
        context = ssl.create_default_context(cadata=authority.certificate.decode())
        with closing(context.wrap_socket(plain, server_hostname="127.0.0.1")) as connection:
            connection.sendall(STARTUP)
            assert exactly(connection, 8) == STARTUP


def test_what_follows_the_request_in_clear_is_never_taken_for_encrypted(relay: Relay, echo: Echo) -> None:
    with closing(connect(relay)) as connection:
        connection.sendall(TLS + STARTUP)
        assert ended(connection)
    assert echo.open == 0


def test_who_ends_one_half_still_gets_the_answer_and_no_connection_stays(relay: Relay, echo: Echo) -> None:
    with closing(connect(relay)) as connection:
        connection.sendall(STARTUP)
        connection.shutdown(socket.SHUT_WR)
        assert exactly(connection, 100) == STARTUP + b"goodbye"
    eventually(lambda: echo.open == 0 and not relay._legs)


@pytest.mark.parametrize("tls", [True, False])
def test_who_goes_away_is_gone_at_the_server_too(relay: Relay, authority: Authority, echo: Echo, tls: bool) -> None:
    connection = encrypted(relay, authority) if tls else connect(relay)
    connection.sendall(STARTUP)
    exactly(connection, 8)
    assert echo.open == 1
    connection.close()
    eventually(lambda: echo.open == 0 and not relay._legs)


@pytest.mark.parametrize("tls", [True, False])
def test_much_arrives_whole(relay: Relay, authority: Authority, tls: bool) -> None:
    size = 8 * 1024 * 1024
    with closing(encrypted(relay, authority) if tls else connect(relay)) as connection:
        connection.sendall(STARTUP)
        exactly(connection, 8)
        received = 0
        for _ in range(size // 65536):
            connection.sendall(b"x" * 65536)
            received += len(exactly(connection, 65536))
    assert received == size


def test_a_reader_that_does_not_read_keeps_the_sender_waiting(relay: Relay) -> None:
    with closing(connect(relay)) as connection:
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            # Nobody reads what comes back: no buffer on the way takes all of this.
            connection.sendall(STARTUP + b"x" * 256 * 1024 * 1024)
        assert all(
            leg.transport is not None and leg.transport.get_write_buffer_size() < 1024 * 1024 for leg in relay._legs
        )


def test_many_connections_share_one_thread(relay: Relay, authority: Authority) -> None:
    before = threading.active_count()
    connections = [encrypted(relay, authority) if number % 4 == 0 else connect(relay) for number in range(60)]
    for number, connection in enumerate(connections):
        connection.sendall(STARTUP + bytes([number]))
    assert all(exactly(one, 9) == STARTUP + bytes([number]) for number, one in enumerate(connections))
    # The server's threads are the test's own.
    assert sum(thread.name == "postgres-tls" for thread in threading.enumerate()) == 1
    assert threading.active_count() <= before + 60
    for connection in connections:
        connection.close()


def test_a_relay_at_rest_refuses_and_keeps_its_port(authority: Authority, echo: Echo) -> None:
    relay = Relay(authority.server_context)
    port = relay.port
    with pytest.raises(ConnectionRefusedError):
        connect(relay)
    relay.start(echo.port)
    before = connect(relay)
    before.sendall(STARTUP)
    assert exactly(before, 8) == STARTUP
    relay.rest()
    with closing(before):
        assert ended(before)
    with pytest.raises(ConnectionRefusedError):
        connect(relay)
    relay.start(echo.port)
    assert relay.port == port
    with closing(connect(relay)) as again:
        again.sendall(STARTUP)
        assert exactly(again, 8) == STARTUP
    relay.close()
    with pytest.raises(ConnectionRefusedError):
        connect(relay)
    socket.create_server(("127.0.0.1", port)).close()


def test_who_connects_while_a_relay_ends_is_hung_up_on(relay: Relay) -> None:
    loop, busy, go_on = _loop(), threading.Event(), threading.Event()
    loop.call_soon_threadsafe(busy.set)
    loop.call_soon_threadsafe(go_on.wait)
    assert busy.wait(SECONDS)
    resting = asyncio.run_coroutine_threadsafe(relay._rest(), loop)
    with closing(connect(relay)) as connection:
        connection.sendall(TLS)
        go_on.set()
        assert ended(connection)
    resting.result(SECONDS)


def test_where_no_server_is_the_connection_ends(authority: Authority) -> None:
    nobody = Relay(authority.server_context)
    relay = Relay(authority.server_context)
    relay.start(nobody.port)
    with closing(connect(relay)) as connection:
        connection.sendall(STARTUP)
        assert ended(connection)
    relay.close()
    nobody.close()
