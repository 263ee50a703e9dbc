"""Options that several commands share."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from secrets_pipeline.errors import GuardError

BASE_PATH_VARIABLE = "ATMOS_BASE_PATH"
_EXAMPLES = "examples"

BasePath: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--base-path",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="The Atmos repository; by default ATMOS_BASE_PATH, else the current folder.",
        show_default=False,
    ),
]
OneStack: TypeAlias = Annotated[str, typer.Option("--stack", "-s", metavar="STACK", help="The stack.")]
StackFilter: TypeAlias = Annotated[
    str | None, typer.Option("--stack", "-s", metavar="STACK", help="Only this stack.", show_default=False)
]
SomeStacks: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--stack", "-s", metavar="STACK", help="This stack; may be repeated.", show_default=False),
]
AllStacks: TypeAlias = Annotated[bool, typer.Option("--all", help="Every stack of the repository.")]
AllowExec: TypeAlias = Annotated[
    bool, typer.Option("--allow-exec", help="Let `!exec` in YAML run commands; refused otherwise.")
]


class TableFormat(StrEnum):
    """A table for humans, or JSON alone on stdout."""

    TABLE = "table"
    JSON = "json"


TableOrJson: TypeAlias = Annotated[
    TableFormat, typer.Option("--format", help="`json` prints JSON alone on stdout; logs go to stderr.")
]


def repository(base_path: Path | None) -> Path:
    """The folder of the Atmos repository, absolute.

    A folder that was named wins over ATMOS_BASE_PATH, which Atmos would otherwise read again as `base_path`.
    """
    if base_path is not None:
        os.environ.pop(BASE_PATH_VARIABLE, None)
        return base_path.absolute()
    return Path(os.environ.get(BASE_PATH_VARIABLE) or ".").absolute()


def examples() -> Path:
    """The example repository of a checkout.

    Raises:
        GuardError: if there is none.
    """
    for folder in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if (folder / _EXAMPLES / "atmos.yaml").is_file():
            return folder / _EXAMPLES
    raise GuardError(
        "there are no examples here", remedy="Run it in a checkout, or name a repository with --base-path."
    )


def chosen(stacks: list[str] | None, *, every: bool) -> list[str] | None:
    """The stacks that were named, each once, or None for all.

    Raises:
        typer.BadParameter: if both or neither were asked for.
    """
    if bool(stacks) == every:
        raise typer.BadParameter("name stacks with --stack, or all of them with --all", param_hint="--stack / --all")
    return list(dict.fromkeys(stacks)) if stacks else None
