"""The page that says what a run does names every asset, in the group in which the UI shows it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from secrets_pipeline.orchestration.build import build_definitions

PAGE: Final = Path(__file__).parents[2] / "docs" / "how-it-works.md"


def test_each_asset_is_in_the_table_under_its_group() -> None:
    (table,) = re.findall(r"^\| group \| asset \|.*\n\|.*\n((?:\|.*\n)+)", PAGE.read_text(), re.MULTILINE)
    told: dict[str, str] = {}
    group = ""
    for line in table.splitlines():
        named, assets, _ = (cell.strip() for cell in line[1:-1].split("|"))
        group = named or group
        told |= dict.fromkeys(re.findall(r"`(\w+)`", assets), group)
    graph = build_definitions().resolve_asset_graph()
    assert told == {node.key.path[-1]: node.group_name for node in graph.asset_nodes}
