"""Keep the process that runs all invocations, each in a fork of its own; see `bootstrap`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from threading import Lock

from secrets_pipeline.emulator.core.identity import VARIABLES, Identity, of_functions

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_STATUS_BYTES = 16


class ForkServer:
    """Starts with the first invocation and ends with this process, however that ends.

    Args:
        python: the interpreter.
        program: what it runs.
    """

    def __init__(self, python: str = sys.executable, program: Path = BOOTSTRAP) -> None:
        self._python, self._program = python, program
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    @cached_property
    def identity(self) -> Identity:
        """As whom functions run."""
        return of_functions(self._python, self._program)

    def run(self, folder: Path, seconds: float) -> int | None:
        """Run what is in a folder as `request.json`.

        Args:
            folder: where the answer and the log go.
            seconds: until it is killed.

        Returns:
            Its exit status, negative for a signal; None if it was killed because it took longer.
        """
        ours, theirs = socket.socketpair()
        with ours:
            with theirs, self._lock:
                socket.send_fds(self._running(), [b"."], [theirs.fileno()])
            ours.sendall(os.fsencode(folder))
            ours.settimeout(seconds)
            try:
                return _status(ours)
            except TimeoutError:
                ours.shutdown(socket.SHUT_WR)
                ours.settimeout(None)
                _status(ours)
                return None

    def _running(self) -> socket.socket:
        """The socket that takes invocations, of a process that lives."""
        if self._requests is None or self._process is None or self._process.poll() is not None:
            self._requests, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    [self._python, str(self._program), str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    cwd="/",
                    env=VARIABLES,
                    start_new_session=True,
                    **self.identity.switch,
                )
        return self._requests

    def stop(self) -> None:
        """Let it end; invocations under way are killed when this process has ended."""
        with self._lock:
            if self._requests is not None and self._process is not None:
                self._requests.close()
                self._process.wait()
                self._requests = self._process = None


def _status(asked: socket.socket) -> int:
    """Who watches says nothing if it was killed itself."""
    return int(asked.recv(_STATUS_BYTES) or -signal.SIGKILL)


FORKS = ForkServer()
"""This process's; moto makes its backends itself, nothing can be handed to them."""
