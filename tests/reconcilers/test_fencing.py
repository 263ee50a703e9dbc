"""A run that stood still at each of nine writes until another one had taken over and ended: nothing of it arrives."""

from __future__ import annotations

import pytest

from tests.bench import Bench
from tests.fencing import BODY, CONNECTING, POINTS, SENDING, Ended, Point, force
from tests.reconcilers.rotate_now.test_reconciler import accepts

pytestmark = pytest.mark.usefixtures("over_http")

FIFTEEN = {"ModifyDBInstance"}
"""RDS may take a signature for fifteen minutes, and another run waits for five: see docs/security.md."""


EVERYWHERE = [(point, place) for point in POINTS for place in (CONNECTING, BODY)]
"""The first byte stands for the others by one: its body asks again."""


@pytest.mark.parametrize(
    ("point", "place"),
    [
        *(pytest.param(point, place, id=f"{point.operation}, {place}") for point, place in EVERYWHERE),
        pytest.param(POINTS[-1], SENDING, id=f"{POINTS[-1].operation}, {SENDING}"),
    ],
)
def test_what_a_run_that_lost_its_lease_had_signed_is_not_performed_and_the_run_fails(
    bench: Bench, point: Point, place: str
) -> None:
    ended = force(bench, point, place)
    if place == BODY and point.operation in FIFTEEN:
        _is_named(ended, point.operation)
        return
    assert ended.performed == []
    assert ended.changed == {}
    assert not ended.succeeded
    assert "another run took over the lease" in ended.said
    assert "AWS answered these calls" not in ended.said


def _is_named(ended: Ended, operation: str) -> None:
    assert ended.performed[:1] == [operation]
    assert not ended.succeeded
    assert f"AWS answered these calls after this run could no longer trust its lease: {operation}" in ended.said
    assert accepts(ended.bench, str(ended.bench.document("password")["password"]))
