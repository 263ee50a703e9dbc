"""Write Markdown that a code host and MkDocs show alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from pymdownx.slugs import slugify

_CODE: Final = re.compile(r"(`+[^`]*`+)")
_SPECIAL: Final = re.compile(r"([\\*|]|(?<!\w)_|_(?!\w))")
_slug: Final = slugify(case="lower")


def escaped(text: str) -> str:
    """Write text, with its `code` as it is, so that nothing else in it is taken for Markdown.

    Args:
        text: of one line.
    """
    return "".join(
        part if part.startswith("`") else _SPECIAL.sub(r"\\\1", part).replace("<", "&lt;") for part in _CODE.split(text)
    )


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a table, and an empty one.

    Args:
        head: of the columns.
        rows: their cells, in Markdown; a bar in one is escaped already.
    """
    columns = list(head)
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def anchor(heading: str) -> str:
    """Name the anchor of a heading, as GitHub and the site name it."""
    return str(_slug(heading.replace("`", ""), "-"))
