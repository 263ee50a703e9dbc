"""Say which literals of the YAML look like secrets; what they are is never said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from secrets_pipeline.cli.shared import markdown
from secrets_pipeline.cli.shared.console import say
from secrets_pipeline.desired.plaintext import Plaintext
from secrets_pipeline.desired.stack import StackSpec

_SAID = 10
_COLUMNS = ("place", "plaintext", "write instead")


def tell_plaintext(specs: Iterable[StackSpec]) -> None:
    """Say the literals of some stacks that look like secrets, the first ones of many; it is no error."""
    found = [one for spec in specs for one in spec.plaintext]
    for one in found[:_SAID]:
        say(f"warning: {one}", style="yellow")
    if len(found) > _SAID:
        more = f"and {len(found) - _SAID:,} more such literals; `plan --format json` has all"
        say(f"warning: {more}", style="yellow")


def plaintext_json(found: Sequence[Plaintext]) -> list[dict[str, Any]]:
    """Return them as JSON."""
    return [one.model_dump(mode="json") for one in found]


def plaintext_rows(found: Sequence[Plaintext]) -> tuple[Sequence[str], list[list[str]]]:
    """Return columns and cells of a table in Markdown."""
    return _COLUMNS, [[markdown.text(part) for part in (one.where, one.problem, one.remedy)] for one in found]
