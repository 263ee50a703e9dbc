"""What a newcomer reads holds together: links lead somewhere, README is short, examples of settings can be read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from secrets_pipeline.desired.settings.operator import OperatorSettings

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests" / "contracts" / "README.md"]
_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> Iterator[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    seen: Counter[str] = Counter()
    for heading in re.findall(r"^#+ (.*)$", _FENCED.sub("", page.read_text()), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        yield f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
        seen[anchor] += 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)\s]+)\)", page.read_text())
    for link in links:
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_operators_settings_of_the_page_can_be_read() -> None:
    page = (ROOT / "docs" / "operator.md").read_text()
    (example,) = re.findall(r"```yaml\n# operator.yaml\n(.*?)```", page, re.DOTALL)
    assert OperatorSettings.model_validate(yaml.safe_load(example)).targets


def test_readme_is_read_in_one_go() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200
