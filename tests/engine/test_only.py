"""What a run is restricted to: the changes that were approved, whatever they turn out to be in the end."""

from __future__ import annotations

import pytest

from secrets_pipeline.engine.apply import apply, plan_stage
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Resource, Skipped, is_unmade
from secrets_pipeline.engine.only import Approved, left_out, within
from secrets_pipeline.engine.reason import Because, Follows, LeftOut, Missing, Reason, Waits

CREATE, UPDATE, ROTATE = ChangeClass.CREATE, ChangeClass.UPDATE, ChangeClass.ROTATE
RESTORE, ADOPT, PRUNE, BLOCKED = ChangeClass.RESTORE, ChangeClass.ADOPT, ChangeClass.PRUNE, ChangeClass.BLOCKED


def change(name: str, action: ChangeClass = CREATE, *reasons: Reason, note: bool = False) -> Change:
    return Change(Resource("secret", name), action, reasons, note=note)


class Given:
    """A reconciler of given changes, each of which can be made."""

    def __init__(self, *changes: Change) -> None:
        self._changes = changes

    def plan(self) -> tuple[Change, ...]:
        return self._changes

    def apply(self, change: Change) -> str:
        return f"{change.resource.name} made"


def test_what_was_not_approved_is_skipped_and_said_and_the_rest_is_made() -> None:
    given = Given(change("seen"), change("unseen"), change("blocked", BLOCKED, Because("is not ours")))
    only = (Approved.of({"secrets": [change("seen")]}),)
    seen, unseen, blocked = apply(given, plan_stage("secrets", given, only))
    assert isinstance(seen, Applied)
    assert isinstance(unseen, Skipped)
    assert unseen.reason == "not in the plan that was approved: plan again, and approve that"
    assert isinstance(blocked, Skipped)
    assert blocked.reason == "is not ours"


def test_a_change_that_the_plan_had_blocked_says_what_blocked_it_and_counts_as_not_made() -> None:
    why = Missing("role reports, whom its policy names, does not exist", "make it")
    only = (Approved.of({"secrets": [change("seen"), change("lately", BLOCKED, why)]}),)
    seen, lately = apply((given := Given(change("seen"), change("lately"))), plan_stage("secrets", given, only))
    assert isinstance(seen, Applied)
    assert isinstance(lately, Skipped)
    assert lately.reason == "role reports, whom its policy names, does not exist: make it"
    assert is_unmade(lately)


def test_a_resource_of_another_stage_or_component_is_another_one() -> None:
    only = [Approved.of({"secrets": [change("seen")]})]
    assert left_out("secrets", change("seen"), only) is None
    assert left_out("connection_secrets", change("seen"), only) is not None
    other = Change(Resource("secret", "seen", "secretsmanager/other"), CREATE)
    assert left_out("secrets", other, only) is not None


@pytest.mark.parametrize("reason", [Waits("a database that is being made"), Follows("follows the secret")])
def test_what_waits_may_become_whatever_makes_it_as_declared(reason: Reason) -> None:
    only = [Approved.of({"secrets": [change("late", UPDATE, reason)]})]
    assert [action for action in (CREATE, UPDATE, ROTATE) if left_out("secrets", change("late", action), only)] == []
    for action in (RESTORE, ADOPT, PRUNE):
        assert left_out("secrets", change("late", action), only), action


def test_what_was_known_stays_what_it_was_whatever_its_reason_sounds_like_by_then() -> None:
    only = [Approved.of({"secrets": [change("known", UPDATE, Because("value is rendered from a, which changes"))]})]
    assert left_out("secrets", change("known", UPDATE, Because("what it is rendered from has changed")), only) is None
    assert left_out("secrets", change("known", CREATE), only)


def test_a_note_of_what_was_done_follows_from_it_and_the_deletion_of_one_does_not() -> None:
    only = [Approved.of({})]
    assert left_out("consumer_arns", change("/shop/secret_arns", UPDATE, note=True), only) is None
    assert left_out("consumer_arns", change("/shop/secret_arns", PRUNE, note=True), only)


def test_a_plan_is_cut_to_what_every_restriction_allows() -> None:
    class Named:
        def refusal(self, _stage: str, change: Change) -> LeftOut | None:
            return None if change.resource.name == "a" else LeftOut("left out")

    planned = {"secrets": [change("a"), change("b", ChangeClass.NONE), change("c")]}
    assert within(planned, []) == planned
    assert within(planned, [Named()]) == {"secrets": (change("a"),)}
    assert within(planned, [Named(), Approved.of({})]) == {"secrets": ()}
