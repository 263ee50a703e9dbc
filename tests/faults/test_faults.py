"""A share of the table that `benchmarks/faults.py` prints: every operation of examples/ meets some fault, and all kinds
of faults come round.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle

import pytest

from secrets_pipeline.aws import service_keys
from secrets_pipeline.local import FaultAction
from secrets_pipeline.reconcilers.value_writer import ValueWriter
from tests.faults.cases import Case, Kind, Place, clean, judge
from tests.faults.ground import Ground

FEW_CALLS, UPDATE, ALL_SERVICES = "infra-shared", "infra-shared:update", "myapp-dev"
Grounds = Callable[[str], Ground]

FOUND_BEFORE = {
    # A key that was made twice, an alias that was taken for somebody else's, a revision too many.
    ("kms", "CreateKey"): Kind.LOST_ALWAYS,
    ("kms", "CreateAlias"): Kind.LOST,
    ("ecs", "RegisterTaskDefinition"): Kind.LOST,
}


def share(places: Sequence[Place], met: set[tuple[str, str]]) -> Iterator[Case]:
    """One fault at one call of every operation that was not met before."""
    kinds, number = cycle(Kind), 0
    for place in places:
        operation = (place.service, place.operation)
        if operation in met or place.at != 1:
            continue
        met.add(operation)
        calls = [one for one in places if (one.service, one.operation) == operation]
        # Another call of each operation, not always its first.
        number += 1
        kind = FOUND_BEFORE.get(operation) or next(kinds)
        yield Case(calls[number % len(calls)], kind)


def test_every_operation_survives_a_fault_and_one_more_run_ends_as_a_clean_one_does(grounds: Grounds) -> None:
    met: set[tuple[str, str]] = set()
    verdicts = []
    for stack in (FEW_CALLS, UPDATE, ALL_SERVICES):
        ground = grounds(stack)
        expected = clean(ground)
        for case in share(expected.places(), met):
            verdict = judge(ground, expected, case)
            verdicts.append(verdict)
            assert verdict.problems == (), f"{stack}: {case}"
    assert {verdict.case.kind for verdict in verdicts} == set(Kind)
    assert len(met) > 35
    # A fault that comes after the last call of its operation would prove nothing.
    assert all(verdict.struck for verdict in verdicts)
    killed = [verdict for verdict in verdicts if verdict.case.kind.action.kills]
    assert {verdict.first for verdict in killed} == {"killed"}
    once = [one for one in verdicts if one.case.kind.attempts == 1 and one.case.kind.action is FaultAction.THROTTLE]
    assert {verdict.first for verdict in once} == {"went through"}


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
    grounds: Grounds, stack: str, kind: Kind, place: Place
) -> None:
    ground = grounds(stack)
    verdict = judge(ground, clean(ground), Case(place, kind, stale=True))
    assert verdict.struck
    assert verdict.problems == ()


def test_a_product_whose_tokens_were_random_would_be_caught(grounds: Grounds, monkeypatch: pytest.MonkeyPatch) -> None:
    ground = grounds(UPDATE)
    expected = clean(ground)
    # Children are forks: they inherit it.
    monkeypatch.setattr(ValueWriter, "token", lambda *_: str(uuid.uuid4()))
    verdict = judge(ground, expected, Case(Place("secretsmanager", "PutSecretValue", 1), Kind.KILL_AFTER))
    assert verdict.first == "killed"
    assert any("/labels" in problem for problem in verdict.problems)


def test_a_product_that_looked_for_no_key_of_an_earlier_try_would_be_caught(
    grounds: Grounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = grounds(FEW_CALLS)
    expected = clean(ground)
    monkeypatch.setattr(service_keys, "find_unaliased_key", lambda *_, **__: None)
    verdict = judge(ground, expected, Case(Place("kms", "CreateKey", 1), Kind.KILL_AFTER))
    assert verdict.first == "killed"
    assert any("/keys" in problem for problem in verdict.problems)
