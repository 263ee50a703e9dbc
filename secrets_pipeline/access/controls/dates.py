"""Measure the time between two moments, and word it for messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

DAY = timedelta(days=1)


def days(count: int) -> str:
    """Word a number of days for a message."""
    return "1 day" if count == 1 else f"{count} days"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago something was, in whole days."""
    whole = (now - moment) // DAY
    return "today" if whole <= 0 else f"{days(whole)} ago"


def on(moment: datetime) -> str:
    """Word a moment for a message, to the minute."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
