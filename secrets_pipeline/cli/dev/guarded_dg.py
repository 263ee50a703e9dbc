"""Dagster's `dg` whose `dev` starts the guarded webserver: `python -m secrets_pipeline.cli.dev.guarded_dg dev …`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Any

from dagster._cli import dev
from dagster_dg_cli.cli import main as dg

_WEBSERVER = "dagster_webserver"
_GUARDED = "secrets_pipeline.cli.dev.guarded_webserver"


def main() -> None:
    """Run `dg`."""
    starting: Any = dev
    start = starting.open_ipc_subprocess

    def guarded(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:  # noqa: ANN401 - those of Popen
        started: subprocess.Popen[Any] = start([_GUARDED if one == _WEBSERVER else one for one in command], **options)
        return started

    # `dg dev` names its webserver by a constant in the middle of a function.
    starting.open_ipc_subprocess = guarded
    # Dagster starts its processes by `python -m`, which would import from the current folder first.
    os.environ["PYTHONSAFEPATH"] = "1"
    dg()  # type: ignore[no-untyped-call] # Dagster's


if __name__ == "__main__":
    main()
