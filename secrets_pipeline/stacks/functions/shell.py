"""Run commands of `!exec` by `/bin/sh`, without input, with a limit of time and of output."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from secrets_pipeline.stacks.functions import processes

MAX_OUTPUT: Final = 16 * 2**20
"""Bytes that a command may print."""


class CommandError(Exception):
    """A command fails or takes too long. The text has nothing of what it printed, which may be a secret."""


def run(command: str, folder: Path, env: Mapping[str, str], seconds: float, most: int = MAX_OUTPUT) -> str:
    """What a command prints, without the newlines at its end.

    Args:
        command: for `/bin/sh -c`.
        folder: its current folder.
        env: its whole environment.
        seconds: after so many it is killed, with every process it has started.
        most: bytes that it may print before it is killed likewise.

    Raises:
        CommandError: if it cannot be run, ends with another status than 0, takes too long, prints too much or no UTF-8.
    """
    try:
        finished = processes.run(["/bin/sh", "-c", command], folder, env, processes.Bounds(seconds, most))
    except (OSError, ValueError) as error:
        raise CommandError(f"cannot be run: {error}") from None
    except processes.BoundError as error:
        raise CommandError(str(error)) from None
    if finished.status:
        raise CommandError(f"ended with exit status {finished.status}")
    try:
        return finished.output.decode().rstrip("\n")
    except UnicodeDecodeError:
        raise CommandError("printed what is not UTF-8") from None
