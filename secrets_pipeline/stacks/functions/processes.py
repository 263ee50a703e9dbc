"""Run commands with bounds: on their time, on what they print, and on what is waited for once they are killed."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CHUNK: Final = 2**16  # bytes, what a pipe holds
_GRACE: Final = 5.0  # seconds in which the kernel ends what is killed


class BoundError(Exception):
    """A command takes too long or prints too much, and is killed. The text has nothing of what it printed."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended by itself.

    Attributes:
        status: its exit status; negative for the signal that ended it.
        output: what it printed on standard output.
        complaints: how many lines it printed on standard error; 0 if that was not to be counted.
    """

    status: int
    output: bytes
    complaints: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a command may cost.

    Attributes:
        seconds: of time.
        output: bytes on standard output.
    """

    seconds: float
    output: int


def run(
    command: Sequence[str], folder: Path, env: Mapping[str, str], bounds: Bounds, *, count_complaints: bool = False
) -> Finished:
    """Run a command without input, in a session of its own, until it has ended and closed its output.

    Args:
        command: the program and its arguments.
        folder: its current folder.
        env: its whole environment.
        bounds: beyond which it is killed, with every process of its group; who has left the group is not waited for.
        count_complaints: whether the lines of standard error are counted; else it is discarded.

    Raises:
        OSError: if it cannot be started.
        ValueError: if an argument or a variable has a NUL in it.
        BoundError: if it exceeds the bounds.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if count_complaints else subprocess.DEVNULL,
        start_new_session=True,  # a process group of its own, so that children can be killed with it
    )
    ended = False
    try:
        finished = _followed(process, bounds)
        ended = True
    finally:
        if not ended:
            _kill(process)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    return finished


def _followed(process: subprocess.Popen[bytes], bounds: Bounds) -> Finished:
    deadline = time.monotonic() + bounds.seconds
    output = bytearray()
    complaints = _Lines()

    def keep(chunk: bytes) -> None:
        output.extend(chunk)
        if len(output) > bounds.output:
            raise BoundError(f"printed more than {bounds.output / 2**20:g} MiB")

    with selectors.DefaultSelector() as selector:
        for pipe, take in ((process.stdout, keep), (process.stderr, complaints.count)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, take)
        while selector.get_map():
            for key, _ in selector.select(_left(deadline, bounds)):
                chunk = os.read(key.fd, _CHUNK)
                taken: Callable[[bytes], None] = key.data
                taken(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
    try:
        status = process.wait(_left(deadline, bounds))
    except subprocess.TimeoutExpired:
        raise _too_long(bounds) from None
    return Finished(status, bytes(output), complaints.number)


class _Lines:
    """Counts lines, of which nothing is kept."""

    def __init__(self) -> None:
        self._ends = 0
        self._open = False

    @property
    def number(self) -> int:
        return self._ends + self._open

    def count(self, chunk: bytes) -> None:
        self._ends += chunk.count(b"\n")
        if chunk:
            self._open = not chunk.endswith(b"\n")


def _left(deadline: float, bounds: Bounds) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _too_long(bounds)
    return left


def _too_long(bounds: Bounds) -> BoundError:
    return BoundError(f"took longer than {bounds.seconds:g} s")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the group; its leader has not been waited for, so the number is still its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses it for a zombie
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
