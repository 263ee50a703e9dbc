"""What is tried again waits longer each time."""

from __future__ import annotations

import pytest

from secrets_pipeline.orchestration.shared.backoff import attempt_at


@pytest.mark.parametrize(
    ("seconds", "attempt"),
    [(0, 1), (59.9, 1), (60, 2), (659.9, 2), (660, 3), (4_259.9, 3), (4_260, 4), (25_859.9, 4), (25_860, 5), (1e9, 5)],
)
def test_a_try_is_due_a_minute_ten_minutes_an_hour_and_six_hours_after_the_one_before(
    seconds: float, attempt: int
) -> None:
    assert attempt_at(seconds) == attempt
