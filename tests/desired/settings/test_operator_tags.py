"""The operator's `tags`: what AWS takes, and never ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.desired.settings.operator import load_settings
from secrets_pipeline.errors import SpecError


def written(folder: Path, tags: str) -> Path:
    path = folder / "operator.yaml"
    path.write_text(f"tags: {tags}\n")
    return path


def test_tags_are_read(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, "{CostCenter: 1000, Team: platform, Billed: true}")).tags == {
        "CostCenter": "1000",
        "Team": "platform",
        "Billed": "true",
    }


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ("{secrets-pipeline:stack: x}", "begins with 'secrets-pipeline:', which is reserved"),
        ("{'aws:team': x}", "begins with 'aws:', which is reserved"),
        ("{'': x}", "a key has 1 to 128"),
        ("{Team: 'a\\tb'}", "tag 'Team'"),
        (f"{{Team: {'x' * 257}}}", "its value has up to 256"),
        ("{Team: x, team: y}", "differ in upper and lower case alone"),
        ("{Team: [a]}", "tags.Team"),
        ("[Team]", "tags"),
    ],
)
def test_a_tag_that_aws_would_refuse_or_that_is_ours_is_named(tmp_path: Path, tags: str, said: str) -> None:
    with pytest.raises(SpecError, match=said) as raised:
        load_settings(written(tmp_path, tags))
    assert "operator.yaml" in str(raised.value)
