"""What holds of every request and every policy, over random ones of small alphabets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import HealthCheck, assume, given, note, settings

from secrets_pipeline.access.evaluator import (
    Caller,
    Decision,
    Layer,
    LayerOutcome,
    Policy,
    PrincipalKind,
    RequestContext,
    TargetResource,
    UnreadPolicies,
    authorize,
)
from tests.strategies.policies import Dice, dice
from tests.strategies.policy_alphabet import AWAY
from tests.strategies.policy_cases import Case, Document
from tests.sweep import examples

many = settings(max_examples=examples(500), suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])

_WIDTH = {False: 0, None: 1, True: 2}
_UNREAD = UnreadPolicies("nobody could read it")


def drawn(from_: Dice) -> Case:
    case = from_.case()
    note(repr(case))
    return case


def statements(document: Document) -> list[Document]:
    found = document["Statement"]
    return list(found) if isinstance(found, list) else [found]


def outcomes(decision: Decision) -> dict[Layer, LayerOutcome]:
    return {vote.layer: vote.outcome for vote in decision.votes}


def is_no_wider(narrow: Decision, wide: Decision) -> bool:
    return _WIDTH[narrow.allowed] <= _WIDTH[wide.allowed]


def agrees(certain: Decision, concrete: Decision) -> bool:
    """Whether all that the first one is sure of is so in the second: the answer, and every layer's vote."""
    votes = outcomes(concrete)
    return (certain.allowed is None or certain.allowed is concrete.allowed) and all(
        outcome is LayerOutcome.UNKNOWN or outcome is votes[layer] for layer, outcome in outcomes(certain).items()
    )


@many
@given(dice)
def test_a_deny_added_anywhere_never_widens(chance: Dice) -> None:
    case = drawn(chance)
    unknown = chance.unknown(case.thing)
    documents = case.documents()
    denial = chance.statement(case.thing, allows=0)
    assume(documents)
    number = chance.pick(range(len(documents)))
    old = documents[number]
    if documents[number] is case.policy:
        denial |= chance.principal()
    new = statements(old)
    new.insert(chance.pick(range(len(new) + 1)), denial)
    denied = case.changed(number, {**old, "Statement": new})
    assert is_no_wider(denied.decide(unknown), case.decide(unknown))


@many
@given(dice)
def test_a_policy_that_only_denies_never_widens(chance: Dice) -> None:
    case = drawn(chance)
    denial: Document = {"Version": "2012-10-17", "Statement": [chance.statement(case.thing, allows=0)]}
    unknown = chance.unknown(case.thing)
    before = case.decide(unknown)
    assert is_no_wider(replace(case, identity=(*case.identity, denial)).decide(unknown), before)
    levels = tuple((*level, denial) for level in case.scps)
    assert is_no_wider(replace(case, scps=levels).decide(unknown), before)


@many
@given(dice)
def test_a_level_a_boundary_or_a_session_policy_added_never_widens(chance: Dice) -> None:
    case = drawn(chance)
    assume(case.caller.kind not in (PrincipalKind.SERVICE, PrincipalKind.FEDERATED_USER))
    limit = chance.document(case.thing)
    before = case.decide()
    assert is_no_wider(replace(case, scps=(*case.scps, (limit,))).decide(), before)
    if case.boundary is None:
        assert is_no_wider(replace(case, boundary=limit).decide(), before)
    if case.session_policy is None:
        assert is_no_wider(replace(case, session_policy=limit).decide(), before)


@many
@given(dice)
def test_an_allow_removed_anywhere_never_widens(chance: Dice) -> None:
    case = drawn(chance)
    unknown = chance.unknown(case.thing)
    allows = [
        (number, place)
        for number, document in enumerate(case.documents())
        for place, one in enumerate(statements(document))
        if one["Effect"] == "Allow"
    ]
    assume(allows)
    number, place = chance.pick(allows)
    document = case.documents()[number]
    left = [one for at, one in enumerate(statements(document)) if at != place]
    assert is_no_wider(case.changed(number, {**document, "Statement": left}).decide(unknown), case.decide(unknown))


@many
@given(dice)
def test_sids_name_statements_and_do_nothing_else(chance: Dice) -> None:
    case = drawn(chance)
    unknown = chance.unknown(case.thing)

    def renamed(document: Document) -> Document:
        return {**document, "Statement": [{**one, "Sid": "Renamed"} for one in statements(document)]}

    before, after = case.decide(unknown), case.mapped(renamed).decide(unknown)
    assert after.allowed is before.allowed
    assert [replace(vote, statement="") for vote in after.votes] == [
        replace(vote, statement="") for vote in before.votes
    ]
    # RCPFullAWSAccess is everywhere and keeps its own.
    assert {vote.statement for vote in after.votes if vote.layer is not Layer.RCP} <= {"", "Renamed"}


@many
@given(dice)
def test_the_order_of_statements_and_policies_changes_no_answer(chance: Dice) -> None:
    case = drawn(chance)
    unknown = chance.unknown(case.thing)
    turned = case.mapped(lambda one: {**one, "Statement": statements(one)[::-1]})
    turned = replace(turned, identity=turned.identity[::-1], scps=turned.scps[::-1], rcps=turned.rcps[::-1])
    before, after = case.decide(unknown), turned.decide(unknown)
    assert after.allowed is before.allowed
    assert outcomes(after) == outcomes(before)


@many
@given(dice)
def test_another_account_needs_both_sides(chance: Dice) -> None:
    case = drawn(chance)
    assume(case.caller.account_id == AWAY)
    decision = case.decide()
    votes = outcomes(decision)
    resource = votes[case.thing.layer]
    own = case.caller.kind is PrincipalKind.ROOT or votes[Layer.IDENTITY] is LayerOutcome.ALLOWS
    assert not decision.allowed or (own and resource is LayerOutcome.ALLOWS)
    if case.caller.kind is not PrincipalKind.ROOT:
        assert replace(case, identity=()).decide().allowed is False
    assert replace(case, policy=None).decide().allowed is False


@many
@given(dice)
def test_what_is_certain_with_unknown_keys_is_so_for_every_value_of_them(chance: Dice) -> None:
    case = drawn(chance)
    unknown = chance.unknown(case.thing)
    certain = case.decide(unknown)
    assert agrees(certain, case.decide())
    for _ in range(4):
        found = chance.context(case.thing)
        known = {key: value for key, value in case.context.items() if key not in unknown}
        guessed = {key: value for key, value in found.items() if key in unknown}
        assert agrees(certain, replace(case, context={**known, **guessed}).decide())


@many
@given(dice)
def test_more_knowledge_never_turns_a_certain_answer(chance: Dice) -> None:
    case = drawn(chance)
    unknown = chance.unknown(case.thing)
    fewer = frozenset(key for key in sorted(unknown) if chance.chance(50))
    assert agrees(case.decide(unknown), case.decide(fewer))


@many
@given(dice)
def test_what_is_certain_of_any_session_of_a_role_is_so_for_each(chance: Dice) -> None:
    case = drawn(chance)
    assume(case.caller.kind is PrincipalKind.ROLE)
    certain = replace(case, caller=replace(case.caller, session=None)).decide()
    for session in ("one", "two", "three"):
        assert agrees(certain, replace(case, caller=replace(case.caller, session=session)).decide())


def unread(caller: Caller, target: TargetResource) -> Iterator[tuple[Caller, TargetResource]]:
    """The same with one layer that nobody could read."""
    yield replace(caller, identity=_UNREAD), target
    yield replace(caller, boundary=_UNREAD), target
    yield replace(caller, scps=_UNREAD), target
    yield caller, replace(target, policy=_UNREAD)
    yield caller, replace(target, rcps=_UNREAD)
    yield caller, replace(target, grants=_UNREAD)


@many
@given(dice)
def test_what_is_certain_with_an_unread_layer_is_so_whatever_is_in_it(chance: Dice) -> None:
    request, caller, target = drawn(chance).asked()
    whole = authorize(request, caller, target)
    for blind_caller, blind_target in unread(caller, target):
        blind = authorize(request, blind_caller, blind_target)
        assert blind.allowed in (None, whole.allowed)
        assert blind.reason or blind.allowed is not None


@many
@given(dice)
def test_variables_are_text_to_a_policy_of_2008(chance: Dice) -> None:
    case = drawn(chance)
    old = case.mapped(lambda one: {**one, "Version": "2008-10-17"})

    def escaped(document: Document) -> Document:
        # ${$} is a dollar sign: nothing of it is a variable any more.
        text = json.dumps({**document, "Version": "2012-10-17"}).replace("${", "${$}{")
        found: Document = json.loads(text)
        return found

    assert old.decide() == case.mapped(escaped).decide()


@many
@given(dice)
def test_json_text_and_maps_are_the_same_policy(chance: Dice) -> None:
    request, caller, target = (case := drawn(chance)).asked()
    as_text = tuple(Policy(f"identity {number}", json.dumps(one)) for number, one in enumerate(case.identity, 1))
    policy = None if case.policy is None else Policy("resource", json.dumps(case.policy))
    assert authorize(request, replace(caller, identity=as_text), replace(target, policy=policy)) == case.decide()


@many
@given(dice)
def test_every_layer_votes_once_and_one_of_the_votes_decides(chance: Dice) -> None:
    case = drawn(chance)
    decision = case.decide(chance.unknown(case.thing))
    layers = [vote.layer for vote in decision.votes]
    assert sorted(layers) == sorted(
        {Layer.SCP, Layer.RCP, case.thing.layer, Layer.GRANT, Layer.BOUNDARY, Layer.SESSION, Layer.IDENTITY}
    )
    outcome = decision.decided_by.outcome
    if decision.allowed is None:
        # The layer may allow for certain somebody whom it names less closely.
        assert outcome is LayerOutcome.UNKNOWN
        assert decision.decided_by.layer in layers
        assert decision.decided_by.detail
        assert decision.decided_by.detail in decision.reason
        return
    assert decision.decided_by in decision.votes
    if decision.allowed:
        assert outcome is LayerOutcome.ALLOWS or case.caller.kind is PrincipalKind.ROOT
    else:
        # A layer that says yes cannot be the one that refuses.
        assert outcome is not LayerOutcome.ALLOWS or case.thing.layer is decision.decided_by.layer


@many
@given(dice)
def test_a_key_that_no_policy_asked_for_did_not_matter(chance: Dice) -> None:
    case = drawn(chance)
    request, caller, target = case.asked()
    lookup = RequestContext(request.context, caller.facts, target.facts)
    decision = authorize(request, caller, target, lookup=lookup)
    asked = {key: values for key, values in case.context.items() if key.lower() in lookup.asked}
    assert replace(case, context=asked).decide() == decision
