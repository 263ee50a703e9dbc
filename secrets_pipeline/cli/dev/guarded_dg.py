"""Run `dg` so that its `dev` starts the guarded webserver: `python -m secrets_pipeline.cli.dev.guarded_dg dev …`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Any

from dagster_dg_cli.cli import main as dg

_WEBSERVER = "dagster_webserver"
_GUARDED = "secrets_pipeline.cli.dev.guarded_webserver"


class GuardedProcess(subprocess.Popen[Any]):
    """`subprocess.Popen` that starts the guarded webserver wherever `python -m dagster_webserver` is asked for."""

    def __init__(self, args: Sequence[str], *more: Any, **options: Any) -> None:  # noqa: ANN401 - those of Popen
        super().__init__([_GUARDED if one == _WEBSERVER else one for one in args], *more, **options)


def main() -> None:
    """Run `dg`, which names its webserver by a constant in the middle of a function."""
    vars(subprocess)["Popen"] = GuardedProcess
    # Dagster starts its processes by `python -m`, which would import from the current folder first.
    os.environ["PYTHONSAFEPATH"] = "1"
    dg()  # type: ignore[no-untyped-call] # Dagster's


if __name__ == "__main__":
    main()
