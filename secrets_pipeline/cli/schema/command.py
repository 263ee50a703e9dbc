"""`schema`: print the JSON Schema of what is read in stack manifests."""

from __future__ import annotations

from typing import Annotated

import typer

from secrets_pipeline.cli.schema.document import manifest_schema
from secrets_pipeline.cli.shared.console import emit_json

EPILOG = "Exit codes: 0 printed. Nothing is read: it is the same for every repository."


def schema(
    *,
    beside: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="SCHEMA",
            help="URL or path of another JSON Schema that manifests have to meet as well: Atmos's own, for example. "
            "It is named by `$ref`, and a path is taken from where the printed schema lies.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print a JSON Schema of what is read in stack manifests, for editors and `atmos validate stacks`."""
    emit_json(manifest_schema(beside))
