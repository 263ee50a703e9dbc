"""Who administers an account, by its policies alone, and the setting that allows such a reader."""

from __future__ import annotations

import fnmatch

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.access.reach.administrators import administrators_sentence, glob_of
from secrets_pipeline.access.reach.audit import undeclared_readings
from secrets_pipeline.access.snapshot.model import GroupSnapshot
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from tests.access.builders import (
    AWAY,
    FOREIGN,
    HOME,
    KEY,
    NAME,
    REGION,
    ROLE,
    World,
    allow,
    deny,
    document,
    when,
    world,
)
from tests.access.reach.test_audit import DB, secret

EVERYTHING = allow("*")
MANAGED = "arn:aws:iam::aws:policy/AdministratorAccess"
OF_SET = f"arn:aws:iam::{HOME}:role/aws-reserved/sso.amazonaws.com/"
SSO = f"{OF_SET}eu-west-2/AWSReservedSSO_AdministratorAccess_0123456789abcdef"
USER = f"arn:aws:iam::{HOME}:user/ana"
SPEC = StackSpec(stack="shop-dev", target=Target(account_id=HOME, region=REGION), secrets=(secret(DB, NAME),))


def administrators(made: World, *allowed: str) -> dict[str, bool]:
    """Undeclared readers → whether each is an administrator."""
    found = undeclared_readings(SPEC, made.estate(), allowed_readers=allowed)
    return {one.principal: one.undeclared_administrator for one in found}


@pytest.mark.parametrize("action", ["*", "*:*", ["s3:*", "*"]])
def test_whoever_may_do_everything_administers(action: object) -> None:
    made = world()
    made.role(ROLE, {"Effect": "Allow", "Action": action, "Resource": ["*"]})
    assert administrators(made) == {ROLE: True}


def test_by_a_managed_policy_or_by_a_group_as_well() -> None:
    made = world()
    made.managed[MANAGED] = document(EVERYTHING)
    made.role(SSO, attached=(MANAGED,))
    made.groups["admins"] = GroupSnapshot(attached=(MANAGED,))
    made.user(USER, groups=("admins",))
    assert administrators(made) == {ROLE: False, SSO: True, USER: True}


LESSER = {
    "of two services": (allow("secretsmanager:*"), allow("kms:*")),
    "of all but IAM": ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},),
    "of some secrets": (allow("*", resource="arn:aws:secretsmanager:*:*:secret:shop/*"), allow("kms:*")),
    "of all but a bucket": ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::closed"},),
    "under a condition": (allow("*", condition=when("StringEquals", "aws:RequestedRegion", REGION)),),
}


@pytest.mark.parametrize("how", LESSER)
def test_whoever_may_do_less_is_an_outsider_that_can_read(how: str) -> None:
    made = world()
    made.role(ROLE, *LESSER[how])
    assert administrators(made) == {ROLE: False}


def test_a_boundary_that_allows_less_makes_no_administrator_of_its_bearer() -> None:
    made = world()
    made.role(ROLE, EVERYTHING)
    made.bound(allow("secretsmanager:*"), allow("kms:*"))
    assert administrators(made) == {ROLE: False}
    made.bound(EVERYTHING)
    assert administrators(made) == {ROLE: True}


def test_a_deny_elsewhere_makes_no_lesser_administrator_and_one_here_no_reader() -> None:
    made = world()
    made.role(ROLE, EVERYTHING, deny("organizations:LeaveOrganization"))
    assert administrators(made) == {ROLE: True}
    made.role(ROLE, EVERYTHING, deny("secretsmanager:GetSecretValue"))
    assert administrators(made) == {}


def test_one_of_another_account_reads_by_what_was_opened_here_and_is_an_outsider() -> None:
    made = world()
    made.role(FOREIGN, EVERYTHING)
    made.principals.pop(ROLE)
    made.secret_policy(allow(principal=AWAY))
    made.key(KEY, allow("kms:*", principal=HOME), allow("kms:Decrypt", principal=AWAY))
    assert administrators(made)[FOREIGN] is False


def test_where_policies_could_not_be_read_nobody_is_called_an_administrator() -> None:
    made = world()
    made.role(ROLE, EVERYTHING, attached=(f"arn:aws:iam::{HOME}:policy/unread",))
    assert administrators(made) == {ROLE: False}


def test_one_whom_the_operator_allows_is_no_surprise() -> None:
    made = world()
    made.role(SSO, EVERYTHING)
    assert administrators(made, glob_of(SSO)) == {ROLE: False, SSO: False}


def test_a_role_of_identity_center_is_allowed_by_its_permission_set_wherever_it_is_assigned() -> None:
    glob = glob_of(SSO)
    assert glob == f"{OF_SET}*AWSReservedSSO_AdministratorAccess_{'?' * 16}"
    for other in (
        f"{OF_SET}AWSReservedSSO_AdministratorAccess_fedcba9876543210",
        f"{OF_SET}us-east-2/AWSReservedSSO_AdministratorAccess_fedcba9876543210",
    ):
        assert glob_of(other) == glob
        assert fnmatch.fnmatchcase(other, glob)
    for another in ("ReadOnly", "AdministratorAccess_Support"):
        assert not fnmatch.fnmatchcase(SSO.replace("AdministratorAccess", another), glob)
    assert not fnmatch.fnmatchcase(SSO.replace(HOME, AWAY), glob)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=30))
def test_any_other_reader_is_allowed_by_a_glob_of_its_own_and_nobody_beside_it(path: str) -> None:
    arn = f"arn:aws:iam::{HOME}:role/{path}/deployer"
    glob = glob_of(arn)
    assert fnmatch.fnmatchcase(arn, glob)
    assert not fnmatch.fnmatchcase(f"arn:aws:iam::{HOME}:role/x{path}/deployer", glob)
    assert not fnmatch.fnmatchcase(arn + "s", glob)


def test_the_sentence_ends_with_a_setting_that_keeps_what_was_allowed_and_allows_all_of_them() -> None:
    made = world()
    made.role(SSO, EVERYTHING)
    made.user(USER, EVERYTHING)
    glass = f"arn:aws:iam::{HOME}:role/break-glass-*"
    found = [one for one in undeclared_readings(SPEC, made.estate()) if one.undeclared_administrator]
    for allowed, said in ((None, "the operator has not said who may"), ((glass,), "does not name them")):
        sentence = administrators_sentence(found, allowed)
        assert sentence.startswith("2 administrators of the account can read 1 secret, ")
        assert said in sentence
        setting = yaml.safe_load(sentence.partition("To allow them: ")[2])
        access = OperatorSettings.model_validate(setting).access
        assert access.allowed_readers == (*(allowed or ()), glob_of(SSO), USER)
        assert not any(administrators(made, *access.allowed_readers).values())
