"""Ports for servers that cannot be started on port 0."""

from __future__ import annotations

import random
import socket

# Below what Linux and macOS give to outgoing connections and to port 0: nobody else's connection takes it meanwhile.
_PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A port on 127.0.0.1 that nobody uses now; two processes that ask at once hardly draw the same one."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.SystemRandom().choice(_PORTS)))
            except OSError:
                continue
            port: int = probe.getsockname()[1]
            return port
