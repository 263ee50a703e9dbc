"""Ages of rotating secrets: a bar a secret against its limit, and the same as lines of text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

from secrets_pipeline.orchestration.pages.rotation_ages import rotation_line, rotation_picture
from secrets_pipeline.reconcilers.secret_rotation.ages import RotationAge

SVG = "{http://www.w3.org/2000/svg}"
NOW = datetime(2026, 1, 31, tzinfo=UTC)
DAY = timedelta(days=1)


def aged(name: str, days: float, limit: float) -> RotationAge:
    """A secret of an age."""
    last = NOW - days * DAY
    return RotationAge(name, f"every {limit} days", last, last + limit * DAY, NOW)


def test_a_bar_is_as_long_as_the_share_of_its_time_and_red_beyond_the_limit() -> None:
    ages = [
        aged("late", 45, 30),
        aged("near", 27, 30),
        aged("a/<b>", 3, 30),
        RotationAge("odd", "cron", NOW, None, NOW),
    ]
    drawn = ET.fromstring(rotation_picture(ages))  # noqa: S314 - our own
    bars = [one for one in drawn.findall(f"{SVG}rect") if one.get("fill") in ("#c1121f", "#e69f00", "#009e73")]
    assert [bar.get("fill") for bar in bars] == ["#c1121f", "#e69f00", "#009e73", "#009e73"]
    widths = [float(bar.get("width") or 0) for bar in bars]
    assert widths == [320 * 1.2, 288.0, 32.0, 2.0]
    texts = {one.text for one in drawn.findall(f"{SVG}text")}
    assert {"late", "a/<b>", "45 of 30 days", "3 of 30 days", "not known"} <= texts
    width, height = float(drawn.get("width") or 0), float(drawn.get("height") or 0)
    for bar in bars:
        assert float(bar.get("x") or 0) + float(bar.get("width") or 0) < width
        assert float(bar.get("y") or 0) < height


def test_a_line_has_the_age_as_a_bar_of_text() -> None:
    line = rotation_line(aged("shop/dev/token", 18, 30))
    assert line.startswith("shop/dev/token ██████░░░░ 18 of 30 days; rotates every 30 days, last ")
    assert line.endswith("due by 2026-02-12 00:00 UTC")
    assert "x ██████████ 60 of 30 days" in rotation_line(aged("x", 60, 30))
    assert " 0.5 of 1.0 days" in rotation_line(aged("x", 0.5, 1))
