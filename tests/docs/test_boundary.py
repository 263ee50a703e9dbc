"""The page of security names files that are there: where each promise and boundary is enforced, and what tests it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "security.md").read_text()
_NAMED: Final = re.compile(r"`([\w/]+(?:\.py|/))`")


def column(heading: str) -> Iterator[str]:
    """The cells under a heading, of each table that has it."""
    for table in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        head, _, *rows = ([cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines())
        if heading in head:
            yield from (row[head.index(heading)] for row in rows)


def test_each_file_that_enforces_something_is_there() -> None:
    named = [name for cell in column("enforced in") for name in _NAMED.findall(cell)]
    assert len(named) > 20
    roots = (ROOT, ROOT / "secrets_pipeline")
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []


def test_each_file_that_tests_something_is_there_and_every_row_has_one() -> None:
    cells = list(column("tested in `tests/`"))
    assert all(_NAMED.findall(cell) for cell in cells)
    assert [name for cell in cells for name in _NAMED.findall(cell) if not (ROOT / "tests" / name).exists()] == []


def test_no_page_says_that_a_grant_is_asked_for_an_include() -> None:
    """Reading the YAML needs no grant, `!include` included: `desired/settings/test_grants.py` shows it."""
    for name in ("operator.md", "reference/operator.md"):
        rows = [line for line in (ROOT / "docs" / name).read_text().splitlines() if line.startswith("|")]
        (row,) = [row for row in rows if "`files`" in row]
        assert "`${file:…}`" in row
        assert "`!include`" not in row or "`!include` needs no grant" in row
