"""Run Dagster's webserver behind the guard, options kept: `python -m secrets_pipeline.cli.dev.guarded_webserver`."""

from __future__ import annotations

from typing import Any

from dagster_webserver.cli import main as serve
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware

from secrets_pipeline.cli.dev.webserver_guard import Guard


def main() -> None:
    """Serve the UI until a signal."""
    unguarded: Any = DagsterWebserver.build_middleware
    served: Any = DagsterWebserver
    served.build_middleware = lambda webserver: [Middleware(Guard), *unguarded(webserver)]
    serve()  # type: ignore[no-untyped-call] # Dagster's


if __name__ == "__main__":
    main()
