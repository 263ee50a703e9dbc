"""Define the options of whoever looks for what is not declared any more: where, and whose it is."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Accounts: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--account",
        metavar="ID",
        help="Look in this account only; may be repeated. By default in all that stacks and targets name.",
        show_default=False,
    ),
]
Regions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help="Look in this region only, named anywhere or not; may be repeated. By default in all that are named.",
        show_default=False,
    ),
]
Adopted: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--adopt",
        metavar="NAME",
        help="It is this repository's, although its mark names none; a name or glob, may be repeated.",
        show_default=False,
    ),
]
DeletesUnasked: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--yes",
        "-y",
        help="Ask nothing. Without it a terminal is asked; what is no terminal, as in CI, deletes nothing.",
    ),
]
