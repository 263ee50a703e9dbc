"""Administrators of the account: one warning until the operator has said who may read, an error for the others then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from secrets_pipeline.reconcilers.access_checks.checks import nobody_else_can_read
from secrets_pipeline.reconcilers.finding import Verdict
from tests.reconcilers.readers import READS, about, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.reconcilers.finding import Finding
    from tests.reconcilers.readers import Readers

MANAGEMENT = "999988887777"
ALL = {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}


def without_organization(_readers: Readers) -> None:
    """An account of its own."""


def as_management_account(readers: Readers) -> None:
    readers.bench.session.client("organizations").create_organization(FeatureSet="ALL")


def as_member(readers: Readers) -> None:
    """A member sees no SCP."""
    client = readers.session(MANAGEMENT).client("organizations")
    client.create_organization(FeatureSet="ALL")
    invited = client.invite_account_to_organization(Target={"Id": readers.account_id, "Type": "ACCOUNT"})
    readers.bench.session.client("organizations").accept_handshake(HandshakeId=invited["Handshake"]["Id"])


ACCOUNTS = {without_organization: "Allowed", as_management_account: "Allowed", as_member: "Unknown"}


def others(readers: Readers, spec: StackSpec, **access: object) -> list[Finding]:
    return nobody_else_can_read(readers.look(spec, **access))


def stack(readers: Readers) -> StackSpec:
    """Two secrets and their only consumer."""
    return readers.stack(readers.consumer(readers.role("reader", *READS), "a", "b"), keys=("a", "b"))


def names(readers: Readers) -> list[str]:
    return [readers.bench.name("a"), readers.bench.name("b")]


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda one: one.__name__)
def test_they_are_one_warning_with_the_setting_that_allows_them(
    readers: Readers, account: Callable[[Readers], None]
) -> None:
    account(readers)
    arns, spec = sorted(readers.administrators()), stack(readers)
    one, *secrets = others(readers, spec)
    assert (one.name, one.verdict) == ("administrators", Verdict.WAITING)
    assert one.columns == {"principal": ", ".join(arns), "verdict": ACCOUNTS[account]}
    can = "can" if ACCOUNTS[account] == "Allowed" else "may be able to"
    assert one.detail.startswith(f"2 administrators of the account {can} read 2 secrets, and the operator has not said")
    assert told(secrets) == [(name, "right") for name in names(readers)]
    assert {each.detail for each in secrets} == {"nobody else of 3 principals can read it but administrators"}
    setting = yaml.safe_load(one.detail.partition("To allow them: ")[2])["access"]
    expected = others(readers, spec, **setting)
    assert {each.verdict for each in expected} == {Verdict.RIGHT}
    assert [len(about(expected, arn)) for arn in arns] == [2, 2]


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("allowed", [(), ("arn:aws:iam::*:role/aws-reserved/*",)])
def test_once_the_operator_has_said_who_may_the_others_who_can_are_an_error(
    readers: Readers, account: Callable[[Readers], None], allowed: tuple[str, ...]
) -> None:
    account(readers)
    sso, organization = readers.administrators()
    named = [sso] if allowed else []
    found = others(readers, stack(readers), allowed_readers=allowed)
    (one,) = [each for each in found if each.name == "administrators"]
    assert one.verdict is (Verdict.WRONG if ACCOUNTS[account] == "Allowed" else Verdict.WAITING)
    assert one.columns["principal"].split(", ") == sorted({sso, organization} - set(named))
    assert "access.allowed_readers does not name them" in one.detail
    assert {each.verdict for each in about(found, sso)} == ({Verdict.RIGHT} if named else set())


def test_a_reader_who_is_none_is_an_error_at_once_and_the_administrators_stay_one_warning(readers: Readers) -> None:
    readers.administrators()
    wide = readers.role("wide", {**ALL, "Action": ["secretsmanager:*", "kms:*"]})
    found = others(readers, stack(readers))
    assert told(found) == [(names(readers)[0], "wrong"), (names(readers)[1], "wrong"), ("administrators", "waiting")]
    assert [each.columns["principal"] for each in found[:2]] == [wide, wide]


def test_an_iam_user_and_a_role_with_an_inline_policy_count_as_well(readers: Readers) -> None:
    arns = sorted([readers.user("ana", ALL), readers.role("ci", ALL)])
    one, *_ = others(readers, stack(readers))
    assert (one.verdict, one.columns["principal"]) == (Verdict.WAITING, ", ".join(arns))


def test_one_who_is_denied_this_secret_is_no_reader(readers: Readers) -> None:
    sso, organization = readers.administrators()
    spec = stack(readers)
    deny = {"Effect": "Deny", "Principal": {"AWS": sso}, "Action": "secretsmanager:*", "Resource": "*"}
    readers.policy_of("a", deny)
    readers.policy_of("b", deny)
    one, *_ = others(readers, spec)
    assert one.columns["principal"] == organization
