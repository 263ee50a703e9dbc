"""A process of one thread in which runs take place: they are forks.

Under xdist pytest's own process has a second thread, and a lock that it held would stay locked in a fork for ever.
"""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from secrets_pipeline.emulator import LocalAws
from tests.faults.edits import older_repository
from tests.faults.ground import Ground

P = ParamSpec("P")
T = TypeVar("T")

_Answer = tuple[bool, Any]


class Solo:
    """Calls functions there, with the ground of a stack of examples/; it inherits this process's environment.

    Args:
        aws: the embedded AWS, for this process alone.
        folder: does not exist yet; for the repository that `infra-shared:update` begins with.
    """

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._connection, served = spawning.Pipe()
        self._process = spawning.Process(target=_serve, args=(served, aws, folder), daemon=True)
        self._process.start()
        # Nobody else holds an end: each side sees that the other is gone, however it ended.
        served.close()

    def __call__(self, work: Callable[Concatenate[Ground, P], T], title: str, /, *args: P.args, **named: P.kwargs) -> T:
        """Call a module's function and wait for what it returns.

        Args:
            work: called with the ground, then the arguments.
            title: logical stack name; `infra-shared:update` is `infra-shared` with an older one applied before.
            args: everything here is pickled.
            named: the same.

        Raises:
            RuntimeError: it raised; the text is its traceback.
            EOFError: the process died.
        """
        self._connection.send((work, title, args, named))
        answer: _Answer = self._connection.recv()
        went_through, result = answer
        if not went_through:
            raise RuntimeError(result)
        found: T = result
        return found

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join()


def _serve(connection: Connection, aws: LocalAws, folder: Path) -> None:
    older = older_repository(folder)

    @cache
    def ground(title: str) -> Ground:
        stack, _, how = title.partition(":")
        return Ground.of(aws, stack, before=older if how else None)

    while True:
        try:
            work, title, args, named = connection.recv()
        except EOFError:
            return
        connection.send(_answer(lambda: work(ground(title), *args, **named)))  # noqa: B023 - called at once


def _answer(work: Callable[[], object]) -> _Answer:
    try:
        return True, work()
    except Exception:  # noqa: BLE001 - whatever it is, the test shall see it
        return False, traceback.format_exc()
