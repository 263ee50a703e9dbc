"""Narrower is what no request can tell otherwise: asked of the evaluator, over random policies and requests."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Layer,
    Policy,
    PrincipalKind,
    Request,
    TargetResource,
    authorize,
)
from secrets_pipeline.access.policy_text.narrow import is_narrower, narrowed
from tests.access.builders import AWAY, FOREIGN, HOME, KEY, ROLE, allow, deny, document, secret_arn, when
from tests.sweep import examples

READ, PUT = "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"
SESSION = f"arn:aws:sts::{HOME}:assumed-role/orders/deploy"
ROOT = f"arn:aws:iam::{HOME}:root"
USER = f"arn:aws:iam::{HOME}:user/ann"
READS = Policy("reads", document(allow("secretsmanager:*")))
NOTHING = Policy("nothing", document(allow("s3:*")))
CALLERS = [
    Caller(ROLE, HOME, PrincipalKind.ROLE),
    Caller(ROLE, HOME, PrincipalKind.ROLE, session="deploy", identity=(READS,)),
    Caller(ROLE, HOME, PrincipalKind.ROLE, session="deploy", boundary=NOTHING),
    Caller(ROLE, HOME, PrincipalKind.ROLE, identity=(READS,), boundary=NOTHING),
    Caller(USER, HOME, PrincipalKind.USER),
    Caller(USER, HOME, PrincipalKind.USER, identity=(READS,)),
    Caller(FOREIGN, AWAY, PrincipalKind.ROLE, identity=(READS,)),
    Caller(ROOT, HOME, PrincipalKind.ROOT),
    Caller("lambda.amazonaws.com", "", PrincipalKind.SERVICE),
]
CONTEXTS = [
    Context(),
    Context({"aws:principalorgid": ("o-1",), "secretsmanager:versionstage": ("AWSCURRENT",)}),
    Context({"aws:principalorgid": ("o-2", "o-1"), "aws:username": ("ann",)}),
    Context(unknown=frozenset({"aws:principalorgid", "secretsmanager:versionstage"})),
]
PRINCIPALS = ["*", ROLE, SESSION, ROOT, HOME, USER, FOREIGN, AWAY, {"Service": "lambda.amazonaws.com"}, [ROLE, FOREIGN]]
ACTIONS = [READ, PUT, "secretsmanager:*", "secretsmanager:Get*", "*", "secretsmanager:GetSecret?alue", [READ, PUT]]
RESOURCES = ["*", secret_arn(), "arn:aws:secretsmanager:*:*:secret:*", secret_arn("other"), "arn:aws:*"]
OPERATORS = [
    *("StringEquals", "StringNotEquals", "StringLike", "StringEqualsIfExists", "StringNotEqualsIfExists"),
    *("ForAllValues:StringEquals", "ForAnyValue:StringLike", "ForAllValues:StringNotEquals", "stringequals"),
]
VALUES = ["o-1", "o-2", ["o-1", "o-2"], "o-*", "${aws:username}", "AWSCURRENT", []]
CONDITIONS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.dictionaries(
        st.sampled_from(OPERATORS),
        st.dictionaries(
            st.sampled_from(["aws:PrincipalOrgID", "AWS:principalorgid", "secretsmanager:VersionStage"]),
            st.sampled_from(VALUES),
            min_size=1,
            max_size=2,
        ),
        max_size=2,
    ),
    st.just({"Null": {"aws:PrincipalOrgID": "true"}}),
)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    make = draw(st.sampled_from([allow, allow, allow, deny]))
    statement: dict[str, Any] = make(
        draw(st.sampled_from(ACTIONS)),
        principal=draw(st.sampled_from(PRINCIPALS)),
        resource=draw(st.sampled_from(RESOURCES)),
        condition=draw(CONDITIONS),
    )
    for element in draw(st.sets(st.sampled_from(["Principal", "Action", "Resource"]), max_size=1)):
        if draw(st.integers(0, 4)) == 0 and statement[element] != "*":
            statement[f"Not{element}"] = statement.pop(element)
    return statement


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two policies that have something in common, often differing in one element alone."""
    one = draw(st.lists(statements(), max_size=3))
    other = [*draw(st.lists(st.sampled_from(one), max_size=3))] if one else []
    changed = [{**left, **_some(draw, right)} for left in other for right in draw(st.lists(statements(), max_size=1))]
    versions = draw(st.sampled_from([("2012-10-17", "2012-10-17"), ("2012-10-17", "2008-10-17")]))
    both = [(version, found) for version, found in zip(versions, (one, [*other, *changed]), strict=True)]
    first, second = draw(st.permutations(both))
    return {"Version": first[0], "Statement": first[1]}, {"Version": second[0], "Statement": second[1]}


def _some(draw: st.DrawFn, statement: dict[str, Any]) -> dict[str, Any]:
    element = draw(st.sampled_from(["Principal", "Action", "Resource", "Condition"]))
    return {element: statement[element]} if element in statement else {}


def answers(policy: dict[str, Any] | None, layer: Layer = Layer.SECRET_POLICY) -> list[bool | None]:
    """What the evaluator says to every request of the alphabet."""
    compiled = Policy("policy", policy) if policy and policy["Statement"] else None
    arn = secret_arn() if layer is Layer.SECRET_POLICY else KEY
    target = TargetResource(arn, HOME, layer, policy=compiled)
    return [
        authorize(Request(action, context), caller, target).allowed
        for caller, action, context in itertools.product(CALLERS, (READ, PUT, "secretsmanager:TagResource"), CONTEXTS)
    ]


def allows_more(new: dict[str, Any] | None, old: dict[str, Any] | None) -> bool:
    """Whether a request that is refused for certain under `old` is, or may be, allowed under `new`."""
    return any(
        before is False and after is not False
        for layer in (Layer.SECRET_POLICY, Layer.KEY_POLICY)
        for before, after in zip(answers(old, layer), answers(new, layer), strict=True)
    )


@settings(max_examples=examples(600))
@given(pairs())
def test_no_request_becomes_allowed_under_a_policy_that_is_called_narrower(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    new, old = pair
    narrower = is_narrower(new, old)
    event(f"narrower: {narrower}")
    if narrower:
        assert not allows_more(new, old)


@settings(max_examples=examples(400))
@given(pairs())
def test_what_is_left_allows_no_more_than_the_observed_policy_and_keeps_every_denial(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    observed, declared = pair
    left = narrowed(observed, declared)
    assert is_narrower(left, observed)
    assert not allows_more(left, observed)
    denials = [one for one in observed["Statement"] if one["Effect"] == "Deny"]
    kept = left["Statement"] if left else []
    assert all(any(_same(one, two) for two in kept) for one in denials)


def _same(one: dict[str, Any], two: dict[str, Any]) -> bool:
    return is_narrower(document({**one, "Effect": "Allow"}), document({**two, "Effect": "Allow"}))


OURS = allow(READ, sid="SecretsPipelineReaders", principal=[FOREIGN], condition=when("StringEquals", "aws:x", "o-1"))
GUARD = deny("*", sid="Guard", principal="*", condition=when("StringNotEquals", "aws:PrincipalOrgID", "o-1"))
STRANGER = allow(READ, principal="arn:aws:iam::777788889999:root")


@pytest.mark.parametrize(
    ("observed", "declared", "left"),
    [
        pytest.param([OURS, STRANGER], [OURS], [OURS], id="a stranger was let in"),
        pytest.param([OURS], [OURS, GUARD], [OURS, GUARD], id="our denial was removed"),
        pytest.param([], [OURS, GUARD], [GUARD], id="the policy was deleted: what it allowed is not for us to allow"),
        pytest.param([OURS, GUARD], [OURS], [OURS, GUARD], id="a foreign denial stays"),
        pytest.param(
            [{**OURS, "Action": ["secretsmanager:*"]}], [OURS], [OURS], id="our own statement was widened by actions"
        ),
        pytest.param(
            [{**OURS, "Condition": {}}], [OURS], [OURS], id="our own statement lost its condition, which comes back"
        ),
        pytest.param([{**OURS, "Principal": "*"}], [OURS], [OURS], id="everybody was let in"),
        pytest.param([STRANGER], None, None, id="no policy is declared"),
    ],
)
def test_what_is_left_of_a_policy_that_somebody_changed(
    observed: list[dict[str, Any]], declared: list[dict[str, Any]] | None, left: list[dict[str, Any]] | None
) -> None:
    wanted = document(*declared) if declared is not None else None
    assert narrowed(document(*observed), wanted) == (document(*left) if left is not None else None)


def test_a_reader_keeps_what_is_declared_where_a_statement_was_narrowed_and_widened_at_once() -> None:
    ours = allow(READ, principal=[FOREIGN, ROLE])
    ours["Action"] = [READ, "secretsmanager:DescribeSecret"]
    changed = allow("secretsmanager:Get*", principal=[FOREIGN, USER])
    left = narrowed(document(changed), document(ours))
    assert left == document({"Effect": "Allow", "Resource": "*", "Principal": {"AWS": FOREIGN}, "Action": [READ]})


@pytest.mark.parametrize(
    ("new", "old"),
    [
        pytest.param(allow(READ, principal=ROLE), allow(READ, principal=HOME), id="an account only delegates"),
        pytest.param(allow(READ, principal=SESSION), allow(READ, principal=ROLE), id="a session escapes the boundary"),
        pytest.param(allow("s*", principal=ROLE), allow("secretsmanager:*", principal=ROLE), id="a wider pattern"),
        pytest.param(
            allow(READ, principal=ROLE, condition=when("StringEquals", "aws:x", ["a", "b"])),
            allow(READ, principal=ROLE, condition=when("StringEquals", "aws:x", "a")),
            id="one more value",
        ),
        pytest.param(
            allow(READ, principal=ROLE, condition=when("StringNotEquals", "aws:x", "a")),
            allow(READ, principal=ROLE, condition=when("StringNotEquals", "aws:x", ["a", "b"])),
            id="one refused value less",
        ),
        pytest.param(
            allow("secretsmanager:Get*alue", principal=ROLE),
            allow("secretsmanager:Get?alue", principal=ROLE),
            id="? and *",
        ),
        pytest.param(
            allow(READ, principal=ROLE, condition=when("StringEqualsIfExists", "aws:x", "a")),
            allow(READ, principal=ROLE, condition=when("StringEquals", "aws:x", "a")),
            id="a key that may be missing",
        ),
        pytest.param(
            allow(READ, principal=ROLE, condition=when("StringEquals", "aws:x", "a")),
            allow(READ, principal=ROLE, condition={"StringEquals": {"aws:x": "b", "AWS:X": "a"}}),
            id="one key in two spellings, both of which have to hold",
        ),
    ],
)
def test_what_may_allow_more_is_not_narrower(new: dict[str, Any], old: dict[str, Any]) -> None:
    assert not is_narrower(document(new), document(old))
    assert is_narrower(document(new), document(new))


def test_a_denial_less_is_not_narrower() -> None:
    assert not is_narrower(document(OURS), document(OURS, GUARD))
    assert not is_narrower(None, document(GUARD))
    assert is_narrower(document(GUARD), None)


def test_what_looks_like_a_variable_is_not_compared_between_versions_of_the_language() -> None:
    mine = allow(READ, principal=ROLE, condition=when("StringEquals", "aws:x", "${aws:username}"))
    old = {"Version": "2008-10-17", "Statement": [mine]}
    assert not is_narrower(document(mine), old)
    assert narrowed(old, document(mine)) == old


def test_denials_that_are_put_back_where_no_policy_is_left_keep_their_version_of_the_language() -> None:
    old = {"Version": "2008-10-17", "Statement": [GUARD]}
    assert narrowed(None, old) == old
