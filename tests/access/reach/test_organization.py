"""Organisations: who belongs, whose policies count, and what nobody could read."""

from __future__ import annotations

import pytest

from secrets_pipeline.access.evaluator import Layer, UnreadPolicies
from secrets_pipeline.access.reach.organization import Membership
from secrets_pipeline.access.reach.reader import Allowed, DeniedBySecretsManager, Unknown
from tests.access.builders import (
    AWAY,
    ELSEWHERE,
    FOREIGN,
    HOME,
    KEY,
    MANAGEMENT,
    ORGANIZATION,
    READS,
    ROLE,
    World,
    allow,
    decided,
    foreign_world,
    when,
    world,
)

READER = f"arn:aws:iam::{ELSEWHERE}:role/reader"


def organisations_readers(reader: str) -> World:
    """A secret for one reader of another account, if it belongs to the organisation."""
    made = foreign_world()
    inside = when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION)
    made.secret_policy(allow(sid="Inside", principal=reader, condition=inside))
    made.role(reader, *READS["Statement"])
    made.key(KEY, allow("kms:*", principal=reader))
    return made


def test_a_member_of_the_organisation_is_inside() -> None:
    assert organisations_readers(FOREIGN).decided(FOREIGN) == (
        "Allowed",
        Layer.SECRET_POLICY,
        "secret policy",
        "Inside",
    )


def test_an_account_that_was_read_and_is_no_member_is_outside() -> None:
    assert organisations_readers(READER).decided(READER) == ("DeniedBySecretsManager", Layer.SECRET_POLICY, "", "")


def test_whether_an_account_belongs_is_unknown_where_the_members_could_not_be_listed() -> None:
    made = organisations_readers(FOREIGN)
    made.paths = {}
    verdict = made.read(FOREIGN)
    assert isinstance(verdict, Unknown)
    assert "aws:PrincipalOrgID" in verdict.reason


def test_whether_an_account_that_is_not_in_the_snapshot_belongs_is_unknown() -> None:
    made = organisations_readers(READER)
    del made.principals[READER]
    verdict = made.read(READER)
    assert isinstance(verdict, Unknown)
    assert "aws:PrincipalOrgID" in verdict.reason


def test_our_own_account_belongs_even_if_the_members_could_not_be_listed() -> None:
    made = world()
    made.paths = {}
    made.role(ROLE, allow(condition=when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION)), allow("kms:*"))
    assert isinstance(made.read(), Allowed)
    paths = when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORGANIZATION}/*")
    made.role(ROLE, allow(condition=paths), allow("kms:*"))
    assert isinstance(made.read(), Unknown)


@pytest.mark.parametrize(("unit", "kind"), [("ou-ab12-1", Allowed), ("ou-ab12-2", DeniedBySecretsManager)])
def test_the_unit_of_an_account_counts(unit: str, kind: type) -> None:
    made = world()
    paths = when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORGANIZATION}/r-ab12/{unit}/*")
    made.role(ROLE, allow(condition=paths), allow("kms:*"))
    assert isinstance(made.read(), kind)


def test_an_account_in_no_organisation_has_no_organisation_and_no_policies_of_one() -> None:
    made = world()
    made.organization_id, made.paths, made.scps, made.rcps = None, {}, {}, {}
    assert isinstance(made.read(), Allowed)
    made.role(ROLE, allow(condition=when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION)), allow("kms:*"))
    assert decided(made.read()) == ("DeniedBySecretsManager", Layer.IDENTITY, "", "")


def test_whether_our_own_account_belongs_is_unknown_where_the_organisation_could_not_be_read() -> None:
    made = world()
    made.organization_id, made.paths, made.organization_unread = None, {}, "refused"
    made.role(ROLE, allow(condition=when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION)), allow("kms:*"))
    assert isinstance(made.read(), Unknown)


def test_policies_of_an_organisation_that_could_not_be_read_are_unread() -> None:
    made = world()
    made.scps, made.organization_unread = {}, "Organizations refused ListPolicies"
    found = Membership(made.snapshot, assume_allowed=False).levels(HOME, "scps")
    assert found == UnreadPolicies("Organizations refused ListPolicies")
    assert Membership(made.snapshot, assume_allowed=True).levels(HOME, "scps") == ()


def test_the_management_account_is_under_no_policy_even_if_the_organisation_could_not_be_read() -> None:
    made = world()
    made.scps, made.organization_unread = {}, "refused"
    assert Membership(made.snapshot, assume_allowed=False).levels(MANAGEMENT, "scps") == ()


def test_the_policies_of_a_strange_account_are_unknown_even_if_our_organisation_was_read() -> None:
    found = Membership(world().snapshot, assume_allowed=False).levels(ELSEWHERE, "scps")
    assert found == UnreadPolicies(f"the organisation of account {ELSEWHERE} is not known")


def test_a_strange_reader_with_everything_else_is_unknown_because_of_its_organisation() -> None:
    made = foreign_world()
    made.secret_policy(allow(principal=READER))
    made.role(READER, *READS["Statement"])
    made.key(KEY, allow("kms:*", principal=READER))
    verdict = made.read(READER)
    assert isinstance(verdict, Unknown)
    assert verdict.reason == f"service control policy: the organisation of account {ELSEWHERE} is not known"
    assert isinstance(made.read(READER, organization_policies="allow"), Allowed)


def test_resource_control_policies_are_those_of_the_secrets_account_not_of_the_readers() -> None:
    made = foreign_world()
    made.rcps[AWAY] = ((),)
    assert isinstance(made.read(FOREIGN), Allowed)
    made.rcps[HOME] = ((),)
    assert decided(made.read(FOREIGN))[:2] == ("DeniedBySecretsManager", Layer.RCP)


def test_an_account_outside_may_be_inside_of_another_organisation_that_a_policy_names() -> None:
    made = foreign_world()
    made.role(READER, *READS["Statement"])
    partner = when("StringEquals", "aws:PrincipalOrgID", "o-partnerorg")
    made.secret_policy(allow(sid="Partner", principal=ELSEWHERE, condition=partner))
    made.key(KEY, allow("kms:*", principal=READER))
    verdict = made.read(READER)
    assert isinstance(verdict, Unknown)
    assert "aws:PrincipalOrgID" in verdict.reason


def test_a_policy_that_compares_with_its_own_resources_organisation_names_no_other() -> None:
    made = organisations_readers(READER)
    own = when("StringEquals", "aws:PrincipalOrgID", "${aws:ResourceOrgID}")
    made.secret_policy(allow(sid="Inside", principal=READER, condition=own))
    assert made.decided(READER) == ("DeniedBySecretsManager", Layer.SECRET_POLICY, "", "")
