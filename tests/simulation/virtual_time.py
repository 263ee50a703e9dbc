"""The schedule's time is everybody's: AWS's dates, and those of Dagster's runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from secrets_pipeline.emulator.core import clock as moving_clock

EPOCH = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""When every seed begins."""


def date(second: float) -> datetime:
    """The date of a virtual second."""
    return datetime.fromtimestamp(EPOCH + second, UTC)


@contextmanager
def virtual(clock: Callable[[], float]) -> Iterator[pytest.MonkeyPatch]:
    """Let the embedded AWS of this process read the schedule's clock.

    Args:
        clock: virtual seconds.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moving_clock, "time", SimpleNamespace(time=lambda: EPOCH + clock()))
        yield patch
