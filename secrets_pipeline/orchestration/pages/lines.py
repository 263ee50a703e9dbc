"""Make lists that fit the narrowest box of the UI: a table of one column, whose words a browser can break.

In a window of 1,000 pixels Overview leaves 190 of them to a value, and cuts off several columns as well as a long name.
Browsers break a line at a space and behind a hyphen, and behind no slash.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec

MOST_ROWS = 100
"""In one table: an event log keeps every event, each check and stage of a run has one, and the UI draws all rows."""
WIDEST = 20
"""Characters of a word."""
_WORD = re.compile(r"(?:[^\s-]|-(?=\d))+-?")
"""A browser breaks no line in it; a hyphen before a digit is a minus."""
_SEPARATORS = "/:._,=@|"


def lines_of(
    title: str, lines: Sequence[str], *, folder: str = "", empty: str = "Nothing is declared here."
) -> dg.MetadataValue[Any]:
    """Make a list of lines as metadata, which the UI shows as a table of one column.

    Args:
        title: stands above them, in one line: a word.
        lines: a hundred are shown.
        folder: of the stack's secrets: names in it are shown without it, and the first line says it.
        empty: what stands in the place of no lines.
    """
    if not lines:
        return dg.MetadataValue.text(empty)
    shown = list(lines[:MOST_ROWS])
    if folder:
        inside = re.compile(rf"(?<!\S){re.escape(folder)}(?=\S)")
        shown = [f"below {folder}", *(_beside_commands(line, partial(inside.sub, "")) for line in shown)]
    shown += [f"… {len(lines) - MOST_ROWS} more"] if len(lines) > MOST_ROWS else []
    records = [dg.TableRecord({title: fitting(line)}) for line in shown]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(title)]))


def fitting(text: str) -> str:
    """Put a space into each word that is too long, behind a separator where it has one; commands stay as they are."""
    return _beside_commands(text, partial(_WORD.sub, lambda found: _broken(found.group())))


def common_folder(spec: StackSpec) -> str:
    """Return the folder that the names of all secrets of a stack begin with, with its slash; empty if there is none."""
    folders = [secret.name.rpartition("/")[0] for secret in spec.secrets]
    found = posixpath.commonpath(folders) if folders else ""
    return f"{found}/" if found else ""


def _beside_commands(text: str, change: Callable[[str], str]) -> str:
    """Change what stands outside of backticks: what stands inside is pasted."""
    return "`".join(part if number % 2 else change(part) for number, part in enumerate(text.split("`")))


def _broken(word: str) -> str:
    parts = []
    while len(word) > WIDEST:
        at = max(word.rfind(one, 0, WIDEST) for one in _SEPARATORS) + 1 or WIDEST
        parts.append(word[:at])
        word = word[at:]
    return " ".join([*parts, word])
