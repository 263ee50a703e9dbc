"""Session tags: what whoever assumes a role decides about it is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from secrets_pipeline.access.evaluator import Layer
from secrets_pipeline.access.reach.reader import Allowed, DeniedBySecretsManager, Unknown
from secrets_pipeline.access.reach.session_tags import SessionTags, session_tags
from tests.access.builders import HOME, ROLE, Statement, World, allow, deny, document, when, world

ANY = SessionTags(prefixes=("aws:principaltag/",))
PODS = {"Service": "pods.eks.amazonaws.com"}
ASSUME, TAG = "sts:AssumeRole", "sts:TagSession"


def trusting(*actions: str, whom: object = None) -> Statement:
    return {"Effect": "Allow", "Principal": whom or {"AWS": HOME}, "Action": list(actions)}


def tagged(trust: dict[str, Any] | None, key: str = "team", value: str = "orders") -> World:
    """A role that reads by a tag of its own."""
    made = world()
    by_tag = allow(sid="Team", condition=when("StringEquals", f"aws:PrincipalTag/{key}", value))
    made.role(ROLE, by_tag, allow("kms:Decrypt"), tags={"team": "orders"}, trust=trust)
    return made


def test_a_roles_own_tag_counts_where_nobody_may_tag_its_sessions() -> None:
    made = tagged(document(trusting(ASSUME)))
    assert made.decided() == ("Allowed", Layer.IDENTITY, "inline policy own", "Team")


@pytest.mark.parametrize("action", [TAG, "sts:*", "sts:Tag*", "*"])
def test_whoever_may_tag_its_sessions_decides_all_tags_of_a_role(action: str) -> None:
    verdict = tagged(document(trusting(ASSUME, action))).read()
    assert isinstance(verdict, Unknown)
    assert "aws:PrincipalTag/team" in verdict.reason
    # Tags that the role has not may be brought as well.
    assert isinstance(tagged(document(trusting(ASSUME, TAG)), "project").read(), Unknown)


def test_a_trust_policy_that_only_denies_tags_brings_none() -> None:
    never = {"Effect": "Deny", "Principal": "*", "Action": TAG}
    assert session_tags(document(trusting(ASSUME), never)) == SessionTags()


def test_all_but_one_action_may_be_to_tag() -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": HOME}, "NotAction": "sts:AssumeRoleWithSAML"}
    assert session_tags(document(statement)) == ANY


def test_pods_bring_the_six_tags_of_eks_and_no_others() -> None:
    trust = document(trusting(ASSUME, TAG, whom=PODS))
    assert isinstance(tagged(trust).read(), Allowed)
    assert isinstance(tagged(trust, "project").read(), DeniedBySecretsManager)
    six = (
        "eks-cluster-arn",
        "eks-cluster-name",
        "kubernetes-namespace",
        "kubernetes-service-account",
        "kubernetes-pod-name",
        "kubernetes-pod-uid",
    )
    assert session_tags(trust) == SessionTags(frozenset(f"aws:principaltag/{one}" for one in six))
    for one in six:
        assert isinstance(tagged(trust, one).read(), Unknown)


def test_pods_do_not_hide_that_somebody_else_may_tag() -> None:
    assert session_tags(document(trusting(ASSUME, TAG, whom=PODS), trusting(ASSUME, TAG))) == ANY
    assert session_tags(document(trusting(ASSUME, TAG, whom={**PODS, "AWS": HOME}))) == ANY


def test_a_trust_policy_that_cannot_be_read_as_one_makes_all_tags_unknown() -> None:
    assert session_tags({"Statement": [{"Effect": "Perhaps"}]}) == ANY


def test_a_user_has_its_own_tags_for_certain() -> None:
    user = f"arn:aws:iam::{HOME}:user/ana"
    made = world()
    by_tag = allow(condition=when("StringEquals", "aws:PrincipalTag/Team", "orders"))
    made.user(user, by_tag, allow("kms:Decrypt"), tags={"team": "orders"})
    assert isinstance(made.read(user), Allowed)


@pytest.mark.parametrize("key", ["aws:MultiFactorAuthPresent", "lambda:SourceFunctionArn", "aws:userid"])
def test_what_only_the_session_of_a_role_knows_is_unknown(key: str) -> None:
    # IAM User Guide, AWS global condition context keys: properties of a role session.
    made = world()
    made.role(ROLE, allow(sid="Session", condition=when("StringLike", key, "*")), allow("kms:Decrypt"))
    verdict = made.read()
    assert isinstance(verdict, Unknown)
    assert key in verdict.reason


def test_how_a_user_signed_in_is_unknown() -> None:
    user = f"arn:aws:iam::{HOME}:user/ana"
    made = world()
    without = deny(sid="Mfa", condition=when("BoolIfExists", "aws:MultiFactorAuthPresent", "false"))
    made.user(user, allow("*"), without)
    verdict = made.read(user)
    assert isinstance(verdict, Unknown)
    assert (verdict.vote.layer, verdict.vote.statement) == (Layer.IDENTITY, "Mfa")


def test_a_user_is_no_function() -> None:
    user = f"arn:aws:iam::{HOME}:user/ana"
    made = world()
    made.user(user, allow(condition=when("ArnLike", "lambda:SourceFunctionArn", "*")), allow("kms:Decrypt"))
    assert isinstance(made.read(user), DeniedBySecretsManager)


def test_the_name_of_a_user_is_known_without_its_path() -> None:
    user = f"arn:aws:iam::{HOME}:user/staff/ana"
    made = world()
    made.user(user, allow(condition=when("StringEquals", "aws:username", "ana")), allow("kms:Decrypt"))
    assert isinstance(made.read(user), Allowed)
