"""Where condition keys come from, what nobody can know, and documents that are no policies."""

from __future__ import annotations

from typing import Any

import pytest

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Layer,
    Policy,
    PrincipalKind,
    Request,
    RequestContext,
    TargetResource,
    UnreadPolicies,
    authorize,
)
from secrets_pipeline.errors import PolicyError
from tests.access.evaluator.examples import Document, document, role, root, service, statement, user

READ, SECRET = "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-west-2:111122223333:secret:s-a1b2c3"


def allowed(
    caller: Caller, condition: Document, asked: Context | None = None, about: Context | None = None
) -> bool | None:
    """Whether everybody may read under a condition."""
    policy = Policy("secret", document(statement("Allow", READ, Principal="*", Condition=condition)))
    target = TargetResource(SECRET, "111122223333", Layer.SECRET_POLICY, policy=policy, context=about or Context())
    return authorize(Request(READ, asked or Context()), caller, target).allowed


@pytest.mark.parametrize(
    ("caller", "key", "value"),
    [
        (role("reader"), "aws:PrincipalArn", "arn:aws:iam::111122223333:role/reader"),
        (role("reader"), "aws:PrincipalType", "AssumedRole"),
        (user("ana"), "aws:PrincipalArn", "arn:aws:iam::111122223333:user/ana"),
        (user("ana"), "aws:PrincipalType", "User"),
        (user("ana"), "aws:PrincipalAccount", "111122223333"),
        (user("ana"), "aws:ResourceAccount", "111122223333"),
        (user("ana"), "aws:PrincipalIsAWSService", "false"),
        (root("444455556666"), "aws:PrincipalType", "Account"),
        (service("ecs.amazonaws.com"), "aws:PrincipalIsAWSService", "true"),
        (service("ecs.amazonaws.com"), "aws:PrincipalServiceName", "ecs.amazonaws.com"),
    ],
)
def test_a_request_says_who_asks_and_of_whom(caller: Caller, key: str, value: str) -> None:
    assert allowed(caller, {"StringEquals": {key: value}})
    assert not allowed(caller, {"StringEquals": {key: f"not {value}"}})


@pytest.mark.parametrize("key", ["aws:PrincipalArn", "aws:PrincipalAccount"])
def test_a_service_has_neither_arn_nor_account(key: str) -> None:
    assert allowed(service("ecs.amazonaws.com"), {"Null": {key: "true"}})


def test_names_of_keys_are_case_insensitive() -> None:
    assert allowed(user("ana"), {"StringEquals": {"AWS:principaltype": "User"}})


def test_the_request_itself_has_the_first_say_about_a_key() -> None:
    asked, about = Context({"aws:resourcetag/team": ("red",)}), Context({"aws:resourcetag/team": ("blue",)})
    assert allowed(user("ana"), {"StringEquals": {"aws:ResourceTag/team": "red"}}, asked, about)


def test_what_one_side_knows_is_known_though_another_does_not() -> None:
    asked, about = Context(unknown=frozenset({"aws:resourcetag/team"})), Context({"aws:resourcetag/team": ("blue",)})
    assert allowed(user("ana"), {"StringEquals": {"aws:ResourceTag/team": "blue"}}, asked, about)


def test_a_whole_family_of_keys_may_be_unknown() -> None:
    asked = Context({"aws:principaltag/own": ("x",)}, unknown_prefixes=("aws:principaltag/",))
    assert allowed(user("ana"), {"StringEquals": {"aws:PrincipalTag/team": "red"}}, asked) is None
    assert allowed(user("ana"), {"StringEquals": {"aws:PrincipalTag/own": "x"}}, asked) is True
    assert allowed(user("ana"), {"StringEquals": {"aws:ResourceTag/team": "red"}}, asked) is False


def test_a_lookup_tells_which_keys_were_asked_for() -> None:
    lookup = RequestContext(Context())
    policy = Policy("p", document(statement("Allow", READ, Condition={"Null": {"aws:SourceVpce": "true"}})))
    caller = Caller("arn:aws:iam::111122223333:user/ana", "111122223333", PrincipalKind.USER, identity=(policy,))
    authorize(Request(READ), caller, TargetResource(SECRET, "111122223333", Layer.SECRET_POLICY), lookup=lookup)
    assert lookup.asked == {"aws:sourcevpce"}


def test_why_a_layer_could_not_be_read_is_why_the_answer_is_unknown() -> None:
    caller = Caller(
        "arn:aws:iam::111122223333:user/ana", "111122223333", PrincipalKind.USER, identity=UnreadPolicies("no leave")
    )
    decision = authorize(Request(READ), caller, TargetResource(SECRET, "111122223333", Layer.SECRET_POLICY))
    assert decision.allowed is None
    assert decision.reason == "identity policy: no leave"


def test_whether_a_role_is_exempt_is_unknown_where_its_boundary_could_not_be_read() -> None:
    policy = document(
        statement("Allow", READ, Principal="*"),
        statement("Deny", READ, NotPrincipal={"AWS": ["111122223333", "arn:aws:iam::111122223333:user/ana"]}),
    )
    target = TargetResource(SECRET, "111122223333", Layer.SECRET_POLICY, policy=Policy("secret", policy))
    arn, kind = "arn:aws:iam::111122223333:user/ana", PrincipalKind.USER
    everything = Policy("boundary", document(statement("Allow", "*")))
    answers = [
        authorize(Request(READ), Caller(arn, "111122223333", kind, boundary=boundary), target).allowed
        for boundary in (None, UnreadPolicies("no leave"), everything)
    ]
    assert answers == [True, None, False]


def test_an_unknown_answer_names_the_statement_that_nobody_can_decide() -> None:
    policy = document(
        statement("Allow", READ, Principal={"AWS": "111122223333"}, Sid="Account"),
        statement("Allow", READ, Principal={"AWS": "arn:aws:iam::111122223333:role/reader"}, Sid="Network",
                  Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}}),
    )  # fmt: skip
    target = TargetResource(SECRET, "111122223333", Layer.SECRET_POLICY, policy=Policy("secret", policy))
    asked = Request(READ, Context(unknown=frozenset({"aws:sourcevpce"})))
    decision = authorize(asked, role("reader"), target)
    assert decision.allowed is None
    assert decision.decided_by.statement == "Network"
    assert decision.reason == "secret policy secret, statement Network: allows depending on aws:SourceVpce"


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("{", "no JSON"),
        ("[]", "no JSON object"),
        ({"Statement": ["Allow"]}, "a statement is no map"),
        (document({"Effect": "allow", "Action": "*"}), "its effect is 'allow'"),
        (document({"Effect": "Allow", "Resource": "*"}), "it names no action"),
        (document(statement("Allow", "*", Condition=["x"])), "Condition is no map"),
        (document(statement("Allow", "*", Condition={"Bool": "true"})), "has no map of keys"),
        (document(statement("Allow", "*", Condition={"StringIs": {"a": "b"}})), "no condition operator StringIs"),
        (document(statement("Allow", "*", Condition={"ForSome:Bool": {"a": "b"}})),
        "no condition operator ForSome:Bool"),
        (document(statement("Allow", "*", Principal="arn:aws:iam::111122223333:root")), "its principal is neither"),
        (document(statement("Allow", "*", Principal={"Role": "x"})), "its principal is neither"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused_by_name(broken: Any, says: str) -> None:  # noqa: ANN401 - JSON
    with pytest.raises(PolicyError, match="policy mine") as caught:
        Policy("mine", broken)
    assert says in str(caught.value)
    assert caught.value.remedy
