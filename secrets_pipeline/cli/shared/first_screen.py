"""Show what a repository has that declares no secret yet, and the one command that leads on."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from secrets_pipeline.cli.shared.console import counted, say
from secrets_pipeline.desired.survey import Sign
from secrets_pipeline.errors import Lines, visible
from secrets_pipeline.operations.first_screen import FirstScreen

_WIDTH: Final = 78
_SEVERAL: Final = "Stacks {} declare no secret. They have {}."
_SHOWN: Final = 20
"""Signs that are listed."""


def tell_first_screen(found: FirstScreen, options: Sequence[str] = (), *, named: bool = False) -> None:
    """Print it on stderr.

    Args:
        found: in the repository.
        options: that the next command needs as well, for example `--base-path DIR`.
        named: whether it is about stacks that were asked for: others may declare secrets.
    """
    say(Lines.of(*_lines(found, options, named=named)))


def _lines(found: FirstScreen, options: Sequence[str], *, named: bool) -> Iterator[str]:
    stacks, components = counted(len(found.stacks), "stack"), counted(found.components, "component")
    names = ", ".join(map(visible, found.stacks))
    if not found.stacks:
        yield "No stack has a component yet. Add one to a manifest first."
    elif named:
        said = "Stack {} declares no secret. It has {}." if len(found.stacks) == 1 else _SEVERAL
        yield from _folded(said.format(names, components), "", "  ")
    else:
        yield f"No secret is declared yet. The pipeline read {stacks} and {components}:"
        yield from _folded(names, "  ")
    if found.signs:
        yield "These look like secrets (names only, no value is shown):"
        yield from _placed(found.signs)
    for remark in found.remarks:
        yield from _folded(remark, "", "  ")
    if found.example:
        yield f"Next: {shlex.join(['secrets-pipeline', 'init', '--example', found.example, *options])}"


def _placed(signs: Sequence[Sign]) -> Iterator[str]:
    for file, placed in groupby(signs[:_SHOWN], lambda sign: sign.file):
        yield f"  {visible(file)}"
        for sign in placed:
            yield f"    {f'line {sign.line}: ' if sign.line else ''}{visible(sign.what)}"
    if len(signs) > _SHOWN:
        yield f"  and {len(signs) - _SHOWN:,} more"


def _folded(text: str, first: str, rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
