"""Say which stacks are affected and why: on stderr, as Markdown, as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import typer

from secrets_pipeline.cli.shared.console import say
from secrets_pipeline.cli.shared.options import StackOptions
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.stacks import SourceChoice

if TYPE_CHECKING:
    from secrets_pipeline.operations.affected.model import Affected

_MOST_REASONS: Final = 3
"""Of a stack that are said; JSON has all."""
_MOST_LINES: Final = 30
"""Of a comment on a pull request that tell of them."""
_MOST_CHARACTERS: Final = 150
"""Of a line of them: a comment has room for 5,000 beside the plans."""
_DIGITS: Final = 12


def touched_stacks(options: StackOptions, desired: OpenRepository) -> Affected | None:
    """Find the stacks that are affected, and say which and why; None where --affected is not given.

    Args:
        options: of the command.
        desired: of the repository.

    Raises:
        StackError: if the other commit cannot be compared with.
        typer.BadParameter: if the stacks are not read from manifests.
    """
    if not options.base:
        return None
    if options.origin != SourceChoice():
        raise typer.BadParameter("it compares the manifests of two commits", param_hint="--affected")
    from secrets_pipeline.operations.affected.find import find_affected  # noqa: PLC0415 - dulwich, for few commands

    found = find_affected(desired, options.base, allow_exec=options.allow_exec)
    for line in _lines(found):
        say(f"note: {line}", style="dim")
    return found


def affected_markdown(found: Affected) -> str:
    """Write which stacks are affected and why, for a comment on a pull request."""
    from secrets_pipeline.cli.shared.markdown import text  # noqa: PLC0415 - for one format

    head, *lines = (one if len(one) <= _MOST_CHARACTERS else f"{one[:_MOST_CHARACTERS]}…" for one in _lines(found))
    more = [f"- … and {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
    return "\n".join([text(head), *([""] if lines else []), *(f"- {text(one)}" for one in lines[:_MOST_LINES]), *more])


def affected_json(found: Affected) -> dict[str, Any]:
    """Return which stacks are affected and why as JSON."""
    return {
        "base": found.base,
        "stacks": {stack: [str(reason) for reason in reasons] for stack, reasons in found.stacks.items()},
        "gone": list(found.gone),
        "unreadable": list(found.unreadable),
    }


def _lines(found: Affected) -> Iterator[str]:
    """What is said, the sum first."""
    since = f"since {found.base[:_DIGITS]}, the merge base with {found.named}"
    which = f"{len(found.stacks) or 'none'} of {found.compared} stack{'' if found.compared == 1 else 's'}"
    yield f"{which} {'is' if len(found.stacks) < 2 else 'are'} affected {since}"  # noqa: PLR2004 - one or none
    for stack, reasons in found.stacks.items():
        shown = "; ".join(str(reason) for reason in reasons[:_MOST_REASONS])
        more = len(reasons) - _MOST_REASONS
        yield f"{stack}: {shown}{f'; and {more} more' if more > 0 else ''}"
    for stack in found.gone:
        yield f"stack {stack} left the repository: `secrets-pipeline orphans` lists its secrets"
    for error in found.unreadable:
        yield f"there, a manifest could not be read, so what it had cannot be compared: {error.splitlines()[0]}"
