"""Write GitHub's Markdown, in which no text from YAML or AWS is markup.

Source: https://github.github.com/gfm/ (entities are text, whatever they stand for; code spans know no markup)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from secrets_pipeline.errors import visible

_PLAIN = re.compile(r"[A-Za-z0-9/_+=.:,#-]([A-Za-z0-9/_+=.:,# -]*[A-Za-z0-9/_+=.:,#-])?")
_MARKUP = re.compile(r"[&<>|`*_~\[\]\\#!$]|:(?=[\w+-]+:)")
_LINKED = re.compile(r"@|&#35;(?=[0-9])")
"""Mentions, and numbers of issues: GitHub links them however they are written, unless something stands between."""
_BLANK = re.compile(r"\s+")
_LINE_END = "\n"
_TICKS = re.compile(r"`+")


def text(words: str) -> str:
    """Escape words to one line, nothing of which is markup, a mention or an emoji."""
    one_line = visible(_BLANK.sub(" ", words).strip())
    escaped = _MARKUP.sub(lambda found: f"&#{ord(found[0])};", one_line)
    return _LINKED.sub(lambda found: f"{found[0]}&#8203;", escaped)


def code(name: str) -> str:
    """Write a name in code type; one that a code span cannot hold in a table stays text."""
    return f"`{name}`" if _PLAIN.fullmatch(name) else text(name)


def block(lines: str) -> str:
    """Write lines as they stand, in a fenced block."""
    fence = "`" * max(3, *(len(ticks) + 1 for ticks in _TICKS.findall(lines)), 3)
    return f"{fence}text\n{visible(lines.rstrip(), kept=_LINE_END)}\n{fence}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table of cells that are Markdown already."""
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    lines.extend(f"| {' | '.join(row)} |" for row in rows)
    return "\n".join(lines)


def details(summary: str, inside: str, *, is_open: bool) -> str:
    """Make Markdown that can be folded away; the summary is plain text."""
    if is_open:
        return inside
    return f"<details>\n<summary>{text(summary)}</summary>\n\n{inside}\n\n</details>"
