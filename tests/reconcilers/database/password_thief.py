"""A server on 127.0.0.1 that asks whoever comes for the password in clear text."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_TLS_ASKED = 80877103
_TLS_OF_MYSQL, _EVERYTHING = 0x0800, 0xFFFF


@contextmanager
def password_thief(engine: str, heard: list[bytes], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Listen, and yield the port.

    Args:
        engine: whose protocol it speaks: postgres, mysql or mariadb.
        heard: everything that a client sends.
        tls: its certificate; without it, it offers no TLS.
    """
    speak = _postgres if engine == "postgres" else _mysql
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening, speak, heard, tls), daemon=True).start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)


def _serve(
    listening: socket.socket,
    speak: Callable[[socket.socket, list[bytes], ssl.SSLContext | None], None],
    heard: list[bytes],
    tls: ssl.SSLContext | None,
) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        heard.append(b"connected")
        with connection, contextlib.suppress(OSError, struct.error):
            connection.settimeout(5)
            speak(connection, heard, tls)


def _postgres(connection: socket.socket, heard: list[bytes], tls: ssl.SSLContext | None) -> None:
    size, code = struct.unpack("!II", connection.recv(8, socket.MSG_WAITALL))
    if code == _TLS_ASKED:
        connection.sendall(b"S" if tls else b"N")
        if tls:
            connection = tls.wrap_socket(connection, server_side=True)
        size, _ = struct.unpack("!II", _exactly(connection, 8))
    heard.append(_exactly(connection, size - 8))
    # AuthenticationCleartextPassword
    connection.sendall(b"R" + struct.pack("!II", 8, 3))
    heard.append(connection.recv(4096))
    connection.close()


def _mysql(connection: socket.socket, heard: list[bytes], tls: ssl.SSLContext | None) -> None:
    low = _EVERYTHING if tls else _EVERYTHING & ~_TLS_OF_MYSQL
    greeting = b"\x0a8.4.0\0" + b"\1\0\0\0" + b"saltsalt\0" + low.to_bytes(2, "little") + b"\x21\2\0" + b"\xff\x0f\x15"
    greeting += b"\0" * 10 + b"saltsaltsalt\0" + b"mysql_native_password\0"
    connection.sendall(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
    number = 2
    if tls:
        heard.append(_packet(connection))
        connection = tls.wrap_socket(connection, server_side=True)
        number = 3
    heard.append(_packet(connection))
    switch = b"\xfemysql_clear_password\0"
    connection.sendall(len(switch).to_bytes(3, "little") + bytes([number]) + switch)
    heard.append(connection.recv(4096))
    connection.close()


def _packet(connection: socket.socket) -> bytes:
    return _exactly(connection, int.from_bytes(_exactly(connection, 4)[:3], "little"))


def _exactly(connection: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        more = connection.recv(size - len(read))
        if not more:
            raise OSError
        read += more
    return read
