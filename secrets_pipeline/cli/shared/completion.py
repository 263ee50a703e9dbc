"""Complete names of stacks and secrets in a shell. Whatever is wrong, nothing is offered and nothing is said.

Imports are local, as completion reads stacks and commands define their options long before that.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from secrets_pipeline.stacks import SourceChoice

_BASE_PATH: Final = "ATMOS_BASE_PATH"
_STANDARD_INPUT: Final = "-"


def complete_stacks(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer names of stacks, also behind a comma.

    Args:
        ctx: with the options that stand before.
        incomplete: what is written so far.
    """
    from secrets_pipeline.operations.open_repository import (  # noqa: PLC0415 - see the module's docstring
        open_stacks,
        operator_settings,
    )

    before, comma, _ = incomplete.rpartition(",")
    # A mistake in the repository is for the command to tell.
    with suppress(Exception):
        source = open_stacks(_base_path(ctx), operator_settings(), origin=_origin(ctx))
        return _fitting((f"{before}{comma}{name}" for name in source.stack_names()), incomplete)
    return []


def complete_secrets(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer whole names of secrets that the stacks declare.

    Args:
        ctx: with the options that stand before.
        incomplete: what is written so far.
    """
    from secrets_pipeline.operations.open_repository import open_repository  # noqa: PLC0415 - see the module's docstring

    with suppress(Exception):
        specs = open_repository(_base_path(ctx), origin=_origin(ctx)).specs.values()
        return _fitting((secret.name for spec in specs for secret in spec.secrets), incomplete)
    return []


def _fitting(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})


def _base_path(ctx: typer.Context) -> Path:
    return Path(ctx.params.get("base_path") or os.environ.get(_BASE_PATH) or ".").absolute()


def _origin(ctx: typer.Context) -> SourceChoice:
    """Where stacks come from; never standard input, nor a program that is run."""
    from secrets_pipeline.stacks import SourceChoice  # noqa: PLC0415 - see the module's docstring

    chosen = SourceChoice.chosen(ctx.params.get("from_file"), atmos=bool(ctx.params.get("from_atmos")), env=os.environ)
    return SourceChoice() if chosen.atmos or chosen.file == _STANDARD_INPUT else chosen
