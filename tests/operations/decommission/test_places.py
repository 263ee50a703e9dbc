"""Which accounts and regions are looked at: those that stacks and targets name, each once; the others are said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import Kept
from secrets_pipeline.errors import GuardError
from secrets_pipeline.operations.decommission.found import Found, refuse_unseen
from secrets_pipeline.operations.decommission.leftovers import OF_THE_ACCOUNT, Leftovers
from secrets_pipeline.operations.decommission.places import places_of

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions
    from tests.bench import Bench

OURS, OTHER = "111122223333", "999900001111"


def spec(stack: str, region: str, account: str | None = OURS) -> StackSpec:
    return StackSpec(stack=stack, target=Target(account_id=account, region=region))


def test_each_account_and_region_is_looked_at_once_and_the_rest_is_said(bench: Bench, sessions: Sessions) -> None:
    assert bench.aws.account_id == OURS
    specs = {"a": spec("a", "eu-west-2", None), "b": spec("b", "eu-west-2"), "c": spec("c", "us-east-1")}
    rules = (
        TargetRule(stacks="left-*", account_id=OURS, region="eu-central-1"),
        TargetRule(stacks="any-*", account_id=OURS),
        TargetRule(stacks="strange-*", account_id=OTHER, region="eu-west-2"),
    )
    found = places_of(specs, OperatorSettings(targets=rules), sessions, env={})
    assert [one.key for one in found.seen] == [
        (OURS, "eu-central-1"),
        (OURS, "eu-west-2"),
        (OURS, "us-east-1"),
    ]
    # Whoever names the account may write there.
    assert {one.target.account_id for one in found.seen} == {OURS}
    assert found.unseen == (
        f"{OTHER} eu-west-2: the credentials belong to {OURS}; add a target with a role of that account",
    )
    assert places_of(specs, OperatorSettings(), sessions, [OTHER], {}).seen == ()


def test_where_nothing_could_be_read_nobody_hears_that_nothing_is_left(bench: Bench, sessions: Sessions) -> None:
    assert bench
    places = places_of({"b": spec("b", "eu-west-2")}, OperatorSettings(), sessions, env={})
    (place,) = places.seen
    blind = Found(place, frozenset(), unseen=("no secrets", "no keys", "no parameters", "no databases"))
    for some in ([], [blind]):
        with pytest.raises(GuardError, match="nothing could be looked at"):
            refuse_unseen(places, some)
    refuse_unseen(places, [blind, replace(blind, unseen=("no secrets",))])


def test_where_nothing_names_a_region_that_of_the_environment_is_looked_at(bench: Bench, sessions: Sessions) -> None:
    there = {"AWS_REGION": bench.aws.region}
    (place,) = places_of({}, OperatorSettings(), sessions, env=there).seen
    assert (place.key, place.target.account_id) == ((OURS, bench.aws.region), None)
    (place,) = places_of(
        {"b": spec("b", "us-east-1", "444455556666")}, OperatorSettings(), sessions, [OURS], there
    ).seen
    assert (place.key, place.target.account_id) == ((OURS, bench.aws.region), OURS)
    # Whoever asks for an account names it, for a write.
    (place,) = places_of({"a": spec("a", bench.aws.region, None)}, OperatorSettings(), sessions, [OURS], {}).seen
    assert place.target.account_id == OURS
    nothing = places_of({}, OperatorSettings(), sessions, env={})
    assert nothing.seen == ()
    assert "set AWS_REGION" in nothing.unseen[0]


def test_a_run_is_restricted_to_what_is_named_and_not_declared() -> None:
    def change(action: ChangeClass, name: str = "shop/old/api/token", *reasons: Kept) -> Change:
        return Change(Resource("secret", name), action, reasons)

    only = Leftovers(["shop/old/*"])
    assert only.refusal("secrets", change(ChangeClass.PRUNE)) is None
    assert only.refusal("secrets", change(ChangeClass.PRUNE, "shop/dev/api/token")) is not None
    assert only.refusal("secrets", change(ChangeClass.UPDATE)) is not None
    assert only.refusal("secrets", change(ChangeClass.BLOCKED)) is not None
    assert Leftovers(blocked=True).refusal("secrets", change(ChangeClass.BLOCKED)) is None
    assert Leftovers().refusal("secrets", change(ChangeClass.NONE, "x", Kept("is kept"))) is None
    for stage in OF_THE_ACCOUNT:
        assert Leftovers(but=OF_THE_ACCOUNT).refusal(stage, change(ChangeClass.PRUNE)) is not None


def test_a_region_that_is_asked_for_is_looked_at_though_nothing_names_it(bench: Bench, sessions: Sessions) -> None:
    rules = OperatorSettings(targets=(TargetRule(stacks="*", account_id=OURS),))
    asked = ("eu-north-1", "us-east-1")
    found = places_of({"b": spec("b", "eu-west-2")}, rules, sessions, env={}, regions=asked)
    assert [one.key for one in found.seen] == [(OURS, region) for region in asked]
    found = places_of({}, rules, sessions, env={}, regions=asked)
    assert ([one.key for one in found.seen], found.unseen) == ([(OURS, region) for region in asked], ())
