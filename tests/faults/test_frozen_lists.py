"""With lists that show the beginning until two runs are over, a fault ends the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.cases import Case, Clean, Kind, Place, judge
from tests.faults.solo import Solo

FEW_CALLS, UPDATE = "infra-shared", "infra-shared:update"


@pytest.mark.parametrize(
    ("stack", "kind", "place"),
    [
        (FEW_CALLS, Kind.KILL_AFTER, Place("secretsmanager", "CreateSecret", 1)),
        (FEW_CALLS, Kind.LOST_ALWAYS, Place("secretsmanager", "TagResource", 1)),
        (UPDATE, Kind.KILL_AFTER, Place("secretsmanager", "PutSecretValue", 2)),
        (UPDATE, Kind.KILL_AFTER, Place("secretsmanager", "UpdateSecret", 3)),
    ],
    ids=str,
)
def test_with_lists_that_stay_at_the_beginning_it_ends_the_same(
    solo: Solo, expected: Callable[[str], Clean], stack: str, kind: Kind, place: Place
) -> None:
    verdict = solo(judge, stack, expected(stack), Case(place, kind, stale=True))
    assert verdict.struck
    assert verdict.problems == ()
