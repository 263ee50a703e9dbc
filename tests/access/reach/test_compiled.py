"""A snapshot made ready: whose policies count for whom, and what was not read is never taken for nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from secrets_pipeline.access.evaluator import Layer, PrincipalKind
from secrets_pipeline.access.reach.reader import Allowed, DeniedByKms, DeniedBySecretsManager, Unknown
from secrets_pipeline.access.snapshot.model import GroupSnapshot, NamedPolicy
from tests.access.builders import (
    AWAY,
    DECRYPT,
    DELEGATES,
    ELSEWHERE,
    FULL,
    HOME,
    KEY,
    NAME,
    RCP_FULL,
    READ,
    READS,
    ROLE,
    Statement,
    World,
    allow,
    decided,
    deny,
    document,
    foreign_world,
    secret_arn,
    when,
    world,
)

USER = f"arn:aws:iam::{HOME}:user/staff/ana"
SHARED = f"arn:aws:iam::{HOME}:policy/shared"
LINKED = f"arn:aws:iam::{HOME}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"


def test_a_user_reads_by_the_inline_policy_of_a_group() -> None:
    made = world()
    made.user(USER, groups=("staff",))
    made.groups["staff"] = GroupSnapshot(inline={"reads": READS})
    assert made.decided(USER) == ("Allowed", Layer.IDENTITY, "inline policy reads of group staff", "Read")


def test_a_user_reads_by_the_managed_policy_of_a_group_and_is_denied_by_that_of_another() -> None:
    made = world()
    made.user(USER, groups=("staff", "guests"))
    made.groups["staff"] = GroupSnapshot(attached=(SHARED,))
    made.groups["guests"] = GroupSnapshot()
    made.managed[SHARED] = READS
    assert made.decided(USER) == ("Allowed", Layer.IDENTITY, SHARED, "Read")
    made.groups["guests"] = GroupSnapshot(inline={"guests": document(deny(sid="Guests"))})
    assert made.decided(USER) == (
        "DeniedBySecretsManager",
        Layer.IDENTITY,
        "inline policy guests of group guests",
        "Guests",
    )


def test_a_role_reads_by_a_managed_policy() -> None:
    made = world()
    made.role(ROLE, attached=(SHARED,))
    made.managed[SHARED] = READS
    assert made.decided() == ("Allowed", Layer.IDENTITY, SHARED, "Read")


NEW = allow(sid="New", condition={"StringResembles": {"aws:PrincipalTag/team": "red"}})
NEWER = NamedPolicy(name="new", document=document(NEW))


def attach_new(made: World) -> None:
    made.role(ROLE, *READS["Statement"], attached=(SHARED,))
    made.managed[SHARED] = document(NEW)


# Each asked of a role that could read without it.
NOT_UNDERSTOOD: dict[str, Callable[[World], object]] = {
    "inline policy": lambda made: made.role(ROLE, *READS["Statement"], NEW),
    "managed policy": attach_new,
    "boundary": lambda made: made.bound(NEW),
    "secret policy": lambda made: made.secret_policy({**NEW, "Principal": "*"}),
    "key policy": lambda made: made.key(KEY, *DELEGATES["Statement"], {**NEW, "Principal": "*"}),
    "SCP": lambda made: made.scps.update({HOME: ((FULL, NEWER),)}),
    "RCP": lambda made: made.rcps.update({HOME: ((RCP_FULL, NEWER),)}),
}


@pytest.mark.parametrize("where", NOT_UNDERSTOOD)
def test_a_policy_that_the_evaluator_does_not_understand_is_unknown_and_stops_nobody(where: str) -> None:
    made = world()
    made.role(ROLE, *READS["Statement"])
    assert isinstance(made.read(), Allowed)
    NOT_UNDERSTOOD[where](made)
    verdict = made.read()
    assert isinstance(verdict, Unknown)
    assert "StringResembles" in verdict.reason


def test_a_managed_policy_that_was_not_read_is_unknown_not_nothing() -> None:
    made = world()
    made.role(ROLE, attached=(SHARED,))
    verdict = made.read()
    assert isinstance(verdict, Unknown)
    assert verdict.reason == f"identity policy: managed policy {SHARED} was not read"
    # Nor is it nothing beside one that allows: it may deny.
    made.role(ROLE, *READS["Statement"], attached=(SHARED,))
    assert isinstance(made.read(), Unknown)


def test_a_group_that_was_not_read_is_unknown_not_nothing() -> None:
    made = world()
    made.user(USER, *READS["Statement"], groups=("staff",))
    verdict = made.read(USER)
    assert isinstance(verdict, Unknown)
    assert verdict.reason == "identity policy: group staff was not read"


def test_a_service_linked_role_is_under_no_scp() -> None:
    made = world()
    made.role(LINKED, *READS["Statement"])
    made.scps[HOME] = ((FULL,), ())
    assert isinstance(made.read(), DeniedBySecretsManager)
    assert isinstance(made.read(LINKED), Allowed)


def closing(action: str) -> NamedPolicy:
    """A resource control policy that denies one action to all."""
    return NamedPolicy(name="closed", document=document(deny(action, sid="Closed", principal="*")))


@pytest.mark.parametrize("action", [READ, DECRYPT])
def test_a_service_linked_role_is_under_no_rcp(action: str) -> None:
    made = world()
    made.role(LINKED, *READS["Statement"])
    made.rcps[HOME] = ((RCP_FULL, closing(action)),)
    verdict = {READ: "DeniedBySecretsManager", DECRYPT: "DeniedByKms"}[action]
    assert made.decided() == (verdict, Layer.RCP, "closed", "Closed")
    assert isinstance(made.read(LINKED), Allowed)


def test_rcps_that_nobody_could_read_leave_all_but_service_linked_roles_unknown() -> None:
    made = world()
    made.role(LINKED, *READS["Statement"])
    made.rcps, made.organization_unread = {}, "refused"
    assert isinstance(made.read(), Unknown)
    assert isinstance(made.read(LINKED), Allowed)


def test_a_key_that_aws_manages_is_under_no_rcp_and_its_secret_is() -> None:
    made = world()
    made.rcps[HOME] = ((RCP_FULL, closing(DECRYPT)),)
    made.key(KEY, aws_managed=True)
    assert isinstance(made.read(), Allowed)
    made.rcps[HOME] = ((RCP_FULL, closing(READ)),)
    assert made.decided() == ("DeniedBySecretsManager", Layer.RCP, "closed", "Closed")


def test_a_role_that_does_not_exist_reads_nothing_and_is_said_to_be_missing() -> None:
    ghost = f"arn:aws:iam::{HOME}:role/ghost"
    made = world()
    assert made.decided(ghost) == ("DeniedBySecretsManager", Layer.IDENTITY, "", "")
    assert made.estate().missing(ghost) == f"role ghost does not exist in account {HOME}"
    assert made.estate().missing(ROLE) == ""


def test_nobody_misses_a_role_of_an_account_that_was_not_read() -> None:
    assert world().estate().missing(f"arn:aws:iam::{ELSEWHERE}:role/ghost") == ""


def test_the_root_user_of_the_account_reads_without_any_policy() -> None:
    verdict = world().read(f"arn:aws:iam::{HOME}:root")
    assert isinstance(verdict, Allowed)


def test_an_account_that_a_secret_and_its_key_let_in_reads() -> None:
    made = foreign_world()
    made.secret_policy(allow(sid="Partner", principal=AWAY))
    made.key(KEY, allow(DECRYPT, principal=AWAY))
    assert made.decided(f"arn:aws:iam::{AWAY}:root") == ("Allowed", Layer.SECRET_POLICY, "secret policy", "Partner")


def test_what_an_account_may_make_its_principals_into_is_unknown_of_the_account() -> None:
    made = foreign_world()
    made.secret_policy(allow(sid="Team", principal=AWAY, condition=when("StringEquals", "aws:PrincipalTag/team", "x")))
    made.key(KEY, allow(DECRYPT, principal=AWAY))
    verdict = made.read(f"arn:aws:iam::{AWAY}:root")
    assert isinstance(verdict, Unknown)
    assert "aws:PrincipalTag/team" in verdict.reason


def test_a_federated_user_that_a_policy_names_is_one_of_its_account() -> None:
    guest = f"arn:aws:sts::{HOME}:federated-user/guest"
    made = world()
    made.secret_policy(allow(sid="Guest", principal=guest))
    caller = made.estate().caller(guest)
    assert (caller.account_id, caller.kind) == (HOME, PrincipalKind.FEDERATED_USER)
    # The secret's policy lets it in; whether KMS does is up to whoever asked for its token, and to what was passed.
    assert decided(made.read(guest))[:2] == ("Unknown", Layer.SESSION)
    made.key(KEY, deny(DECRYPT, principal=guest), *DELEGATES["Statement"])
    assert isinstance(made.read(guest), DeniedByKms)


def test_a_secret_knows_its_tags_and_where_its_primary_is() -> None:
    made = world()
    conditions = {"StringEquals": {"aws:ResourceTag/Team": "orders", "secretsmanager:SecretPrimaryRegion": "us-east-1"}}
    made.role(ROLE, allow(sid="Own", condition=conditions), allow(DECRYPT))
    made.secret(NAME, tags={"team": "orders"}, primary_region="us-east-1")
    assert made.decided() == ("Allowed", Layer.IDENTITY, "inline policy own", "Own")
    made.secret(NAME, tags={"team": "orders"})
    assert isinstance(made.read(), DeniedBySecretsManager)


def test_a_key_knows_its_tags_and_aliases() -> None:
    made = world()
    conditions = {"StringEquals": {"aws:ResourceTag/team": "orders"}}
    conditions |= when("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/shop")
    made.role(ROLE, allow(), allow(DECRYPT, condition=conditions))
    made.key(tags={"Team": "orders"}, aliases=("alias/other", "alias/shop"))
    assert isinstance(made.read(), Allowed)
    made.key(tags={"Team": "orders"}, aliases=("alias/other",))
    assert isinstance(made.read(), DeniedByKms)


@pytest.mark.parametrize(
    ("until", "kind"), [("2026-11-26T00:00:00Z", Allowed), ("2026-11-25T00:00:00Z", DeniedBySecretsManager)]
)
def test_the_moment_of_the_snapshot_counts(until: str, kind: type) -> None:
    made = world()
    made.role(ROLE, allow(condition=when("DateLessThan", "aws:CurrentTime", until)), allow(DECRYPT))
    assert isinstance(made.read(), kind)


def test_a_secret_that_is_not_there_is_none() -> None:
    assert world().estate().secret("shop/dev/nothing") is None


def test_policies_with_one_statement_that_is_no_list_are_policies() -> None:
    made = world()
    made.secret(NAME, policy={"Version": "2012-10-17", "Statement": deny(sid="One", principal=ROLE)})
    assert made.decided() == ("DeniedBySecretsManager", Layer.SECRET_POLICY, "secret policy", "One")


def test_a_resource_that_is_another_secret_does_not_let_read() -> None:
    made = world()
    made.role(ROLE, allow(READ, resource=secret_arn("shop/dev/api")), allow(DECRYPT))
    assert decided(made.read()) == ("DeniedBySecretsManager", Layer.IDENTITY, "", "")


def test_a_service_linked_role_of_an_account_that_was_not_read_is_under_no_scp() -> None:
    linked = LINKED.replace(HOME, AWAY)
    made = foreign_world()
    made.unread[AWAY] = "nobody looked"
    made.scps[AWAY] = ((FULL, closing("*")),)
    made.secret_policy(allow(principal=linked))
    made.key(KEY, allow(DECRYPT, principal=linked))
    assert isinstance(made.read(linked), Unknown)


@pytest.mark.parametrize(
    "statement",
    [
        allow(condition=when("StringEquals", "cognito-identity.amazonaws.com:sub", "eu-west-2:1")),
        allow(condition=when("StringEquals", "ID.example.com/team:sub", "ana")),
        allow(resource=secret_arn().replace("dev", "${saml:sub}")),
    ],
)
def test_how_the_user_of_a_role_signed_in_is_unknown_and_named(statement: Statement) -> None:
    made = world()
    provider = f"arn:aws:iam::{HOME}:oidc-provider/id.example.com/team"
    trust = document(allow("sts:AssumeRoleWithWebIdentity", principal={"Federated": provider}))
    made.role(ROLE, statement, allow(DECRYPT), trust=trust)
    verdict = made.read()
    assert isinstance(verdict, Unknown)
    assert re.search(r"allows depending on (cognito-\S+|ID\.example\.com/team|saml):sub", verdict.reason)


def test_the_name_of_a_user_of_whom_nothing_else_is_known_is_known() -> None:
    user = f"arn:aws:iam::{AWAY}:user/staff/ben"
    made = world()
    made.unread[AWAY] = "nobody looked"
    made.key(KEY, allow(DECRYPT, principal=user))
    made.secret_policy(allow(principal=user, condition=when("StringEquals", "aws:username", "ben")))
    assert isinstance(made.read(user), Unknown)
    made.secret_policy(allow(principal=user, condition=when("StringEquals", "aws:username", "ana")))
    assert isinstance(made.read(user), DeniedBySecretsManager)


@pytest.mark.parametrize(("tags", "kind"), [({}, Unknown), ({"env": "dev"}, DeniedByKms)])
def test_tags_of_a_key_that_was_read_in_part_are_unknown_unless_they_were_read(
    tags: dict[str, str], kind: type
) -> None:
    made = world()
    fence = deny(DECRYPT, principal="*", condition=when("StringNotEquals", "aws:ResourceTag/env", "prod"))
    made.key(KEY, *DELEGATES["Statement"], fence, tags=tags, unread="KMS refused a part")
    assert isinstance(made.read(), kind)


def test_aliases_of_another_accounts_key_are_unknown() -> None:
    theirs = KEY.replace(HOME, AWAY)
    made = world()
    made.role(
        ROLE, allow(), allow(DECRYPT, condition=when("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/x"))
    )
    made.key(theirs, allow(DECRYPT, principal=HOME))
    made.secret(NAME, keys=(theirs,))
    verdict = made.read()
    assert isinstance(verdict, Unknown)
    assert "kms:ResourceAliases" in verdict.reason


def test_a_pattern_for_all_of_an_account_belongs_to_it() -> None:
    everybody = f"arn:aws:iam::{AWAY}:*"
    assert world().estate().caller(everybody).account_id == AWAY
