"""Offer TLS in front of a PostgreSQL that was built without it; who does not ask for TLS is served in clear.

So does RDS without `rds.force_ssl`. The relay looks at a connection's first packet alone and passes on the rest as it
is, a CancelRequest too.
Source: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    import ssl

_Answer = TypeVar("_Answer")
HOST = "127.0.0.1"
_FIRST_PACKET = struct.Struct("!II")
_TLS_ASKED, _GSS_ASKED = 80877103, 80877104
_BACKLOG = 128


class Relay:
    """One port of 127.0.0.1, held as long as this object is open; nobody answers there before `start`.

    All relays share one thread, which sleeps while no byte arrives.

    Args:
        tls: the server's side of TLS.
        port: to take; None for a free one.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, tls: ssl.SSLContext, port: int | None = None) -> None:
        self._tls = tls
        self._held = _bound(port or 0)
        self.port = int(self._held.getsockname()[1])
        self._server: asyncio.Server | None = None
        self._legs: set[_Leg] = set()
        self.clients = 0
        """How many have connected so far."""

    def start(self, target: int) -> None:
        """Pass connections on to another port of this host.

        Raises:
            OSError: the port is taken after all.
        """
        _in_loop(self._start(target))

    def rest(self) -> None:
        """End every connection and refuse new ones; the port stays ours."""
        _in_loop(self._rest())

    def close(self) -> None:
        """End every connection and give the port up."""
        _in_loop(self._rest())
        self._held.close()

    async def _start(self, target: int) -> None:
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(partial(self._client, target), sock=self._held, backlog=_BACKLOG)

    def _client(self, target: int) -> _Client:
        self.clients += 1
        return _Client(self._legs, self._tls, target)

    async def _rest(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            asyncio.get_running_loop().remove_reader(self._held)
            # What asyncio has accepted becomes a connection two turns later, and would neither be served nor be ended
            # if the server was closed before: https://github.com/python/cpython/issues/109564
            for _ in range(2):
                await asyncio.sleep(0)
            server.close()
            # A listening socket cannot stop to listen: another takes its place.
            self._held = _bound(self.port)
        for leg in tuple(self._legs):
            leg.abort()


class _Leg(asyncio.Protocol):
    """One of the two connections of a client: what it receives, the other one sends."""

    def __init__(self, legs: set[_Leg]) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _Leg | None = None
        self._legs = legs
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's: it is there."""
        self.transport = cast("asyncio.Transport", transport)
        self._legs.add(self)

    def data_received(self, data: bytes) -> None:
        """asyncio's: pass it on."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """asyncio's: half a connection stays open, except under TLS, which cannot be half closed."""
        self.ended = True
        if self.other is None or self.other.transport is None or self.transport is None or self.other.ended:
            return False
        if not (self.transport.can_write_eof() and self.other.transport.can_write_eof()):
            return False
        self.other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        """asyncio's: whoever fills this side waits until it has emptied."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """asyncio's: it has."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio calls it
        """asyncio's: the other side ends, too, once it has sent what it has."""
        self._legs.discard(self)
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def abort(self) -> None:
        """End the connection without sending what waits to be sent."""
        if self.transport is not None:
            self.transport.abort()


class _Client(_Leg):
    """The client's side, which first says whether it wants TLS."""

    def __init__(self, legs: set[_Leg], tls: ssl.SSLContext, target: int) -> None:
        super().__init__(legs)
        self._tls = tls
        self._target = target
        self._first = b""
        self._task: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        """asyncio's: read the first packet, pass on what follows."""
        if self.other is not None:
            super().data_received(data)
            return
        self._first += data
        while self._task is None and self.transport is not None and len(self._first) >= _FIRST_PACKET.size:
            if self.transport.is_closing():
                return
            self._begin(self.transport)

    def _begin(self, transport: asyncio.Transport) -> None:
        _, code = _FIRST_PACKET.unpack_from(self._first)
        if code == _GSS_ASKED:
            transport.write(b"N")
            self._first = self._first[_FIRST_PACKET.size :]
        elif code == _TLS_ASKED and len(self._first) > _FIRST_PACKET.size:
            # CVE-2021-23214: what was sent in clear must not pass for a part of the encrypted conversation.
            transport.abort()
        elif code == _TLS_ASKED:
            self._first = b""
            transport.write(b"S")
            self._run(self._encrypt(transport))
        else:
            transport.pause_reading()
            self._run(self._connect())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.get_running_loop().create_task(work)

    async def _encrypt(self, transport: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        try:
            encrypted = await loop.start_tls(transport, self, self._tls, server_side=True)
        except OSError:
            # ssl.SSLError is one, too: the client does not trust the certificate, or speaks no TLS.
            self._legs.discard(self)
            return
        self.transport = encrypted
        await self._connect()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        server = _Leg(self._legs)
        server.other = self
        try:
            await loop.create_connection(lambda: server, HOST, self._target)
        except OSError:
            self.abort()
            return
        if self.transport is None or self.transport.is_closing() or server.transport is None:
            server.abort()
            return
        self.other = server
        server.transport.write(self._first)
        self._first = b""
        self.transport.resume_reading()


def _bound(port: int) -> socket.socket:
    held = socket.socket()
    # Connections that ended a moment ago do not keep the port from us.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((HOST, port))
    except OSError:
        held.close()
        raise
    return held


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="postgres-tls", daemon=True).start()
    return loop


def _in_loop(work: Coroutine[Any, Any, _Answer]) -> _Answer:
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()
