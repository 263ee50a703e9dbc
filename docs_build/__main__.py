"""Write the generated pages of docs/ anew: `make docs`. A test compares them with what is committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from docs_build import commands, embedded_aws, runbook, settings

DOCS: Final = Path(__file__).parents[1] / "docs"
PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "internals/embedded-aws.md": embedded_aws.page,
    "reference/commands.md": commands.page,
    "reference/operator.md": settings.operator_page,
    "reference/stack-settings.md": settings.stack_page,
    "runbook.md": runbook.page,
}
"""By path below docs/: what writes the page."""


def main() -> None:
    """Write each page."""
    for name, text in PAGES.items():
        page = DOCS / name
        page.parent.mkdir(exist_ok=True)
        page.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
