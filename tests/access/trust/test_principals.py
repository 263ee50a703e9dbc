from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.access.evaluator import Caller, Policy, PrincipalKind, UnreadPolicies
from secrets_pipeline.access.snapshot.model import PrincipalSnapshot
from secrets_pipeline.access.trust.role import Surroundings
from secrets_pipeline.access.trust.verdict import AudienceNotPinned, NotTrusted, TooWide, Trusted, TrustUnknown

if TYPE_CHECKING:
    from tests.access.trust.conftest import Desk

HERE, FOREIGN = "111122223333", "444455556666"
CI = f"arn:aws:iam::{HERE}:role/ci"
PARTNER = f"arn:aws:iam::{FOREIGN}:role/partner"
GITHUB = f"arn:aws:iam::{HERE}:oidc-provider/token.actions.githubusercontent.com"


def to(principal: object, **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}


def may_assume(arn: str, *, effect: str = "Allow") -> Caller:
    statement = {"Effect": effect, "Action": "sts:AssumeRole", "Resource": "*"}
    own = Policy("inline policy assume", {"Version": "2012-10-17", "Statement": statement})
    return Caller(arn, arn.split(":")[4], PrincipalKind.ROLE, identity=(own,))


@pytest.fixture(autouse=True)
def neighbours(desk: Desk) -> None:
    desk.others = (PrincipalSnapshot(arn=CI, kind="role"),)


def test_a_role_that_the_trust_policy_names_needs_no_policy_of_its_own_in_one_account(desk: Desk) -> None:
    desk.knows(Caller(CI, HERE, PrincipalKind.ROLE))
    assert desk.ask("app", to({"AWS": CI}), assumed_by=(CI,)) == Trusted((CI,), "#1")


def test_a_foreign_role_whose_policies_nobody_read_is_unknown(desk: Desk) -> None:
    found = desk.ask("app", to({"AWS": PARTNER}), assumed_by=(PARTNER,))
    assert isinstance(found, TrustUnknown)
    assert f"the policies of {PARTNER} were not read" in found.reason


def test_a_foreign_role_needs_both_sides(desk: Desk) -> None:
    desk.knows(may_assume(PARTNER))
    assert isinstance(desk.ask("app", to({"AWS": FOREIGN}), assumed_by=(PARTNER,)), Trusted)
    assert isinstance(desk.ask("app", to({"AWS": CI}), assumed_by=(PARTNER,)), NotTrusted)
    desk.knows(Caller(PARTNER, FOREIGN, PrincipalKind.ROLE))
    found = desk.ask("app", to({"AWS": FOREIGN}), assumed_by=(PARTNER,))
    assert found == NotTrusted(f"the identity policy does not allow sts:AssumeRole to {PARTNER}")


def test_a_denial_by_the_callers_own_policy_is_named(desk: Desk) -> None:
    desk.knows(may_assume(CI, effect="Deny"))
    found = desk.ask("app", to({"AWS": CI}), assumed_by=(CI,))
    assert isinstance(found, NotTrusted)
    assert f"the identity policy inline policy assume denies sts:AssumeRole to {CI}" in found.reason


def test_whom_the_trust_policy_does_not_name_is_not_trusted(desk: Desk) -> None:
    found = desk.ask("app", to({"AWS": PARTNER}), assumed_by=(CI,))
    assert found == NotTrusted(f"the trust policy allows sts:AssumeRole to {PARTNER}, not to {CI}")


def test_a_declared_role_of_this_account_must_exist(desk: Desk) -> None:
    gone = f"arn:aws:iam::{HERE}:role/gone"
    found = desk.ask("app", to({"AWS": HERE}), assumed_by=(gone,))
    assert found == NotTrusted(f"role {gone}, which is to assume it, does not exist")


def test_all_declared_must_get_in(desk: Desk) -> None:
    desk.knows(may_assume(CI), may_assume(PARTNER))
    trust = to({"AWS": [CI, PARTNER], "Service": "codebuild.amazonaws.com"})
    names = (CI, PARTNER, "codebuild.amazonaws.com")
    assert desk.ask("app", trust, assumed_by=names) == Trusted(names, "#1")
    found = desk.ask("app", to({"AWS": CI}), assumed_by=names)
    assert isinstance(found, NotTrusted)
    assert (
        f"to {CI}, not to {PARTNER}; the trust policy allows sts:AssumeRole to {CI}, not to codebuild" in found.reason
    )


def test_one_who_is_kept_out_outweighs_one_of_whom_nobody_knows(desk: Desk) -> None:
    found = desk.ask("app", to({"AWS": PARTNER}), assumed_by=(PARTNER, "codebuild.amazonaws.com"))
    assert isinstance(found, NotTrusted)


def test_what_could_not_be_read_is_no_condition(desk: Desk) -> None:
    desk.surroundings = Surroundings(rcps=UnreadPolicies("Organizations may not be read"))
    asking = to({"AWS": FOREIGN}, Condition={"StringEquals": {"sts:ExternalId": "12345"}})
    found = desk.ask("app", asking)
    assert isinstance(found, TrustUnknown)
    assert "Organizations may not be read" in found.reason
    desk.surroundings = Surroundings()
    assert desk.ask("app", asking) == Trusted((f"account {FOREIGN}",), "#1")


def test_an_account_gets_in_as_itself_or_by_one_of_its_principals(desk: Desk) -> None:
    root = f"arn:aws:iam::{FOREIGN}:root"
    for principal in (FOREIGN, root, PARTNER):
        for declared in (FOREIGN, root):
            assert isinstance(desk.ask("app", to({"AWS": principal}), assumed_by=(declared,)), Trusted)
    assert isinstance(desk.ask("app", to({"AWS": CI}), assumed_by=(FOREIGN,)), NotTrusted)


@pytest.mark.parametrize(
    "key",
    [
        "aws:FederatedProvider",
        "aws:MultiFactorAuthAge",
        "aws:MultiFactorAuthPresent",
        "aws:SourceIdentity",
        "aws:SourceIp",
        "aws:SourceVpce",
        "aws:TagKeys",
        "aws:RequestTag/team",
        "sts:DurationSeconds",
        "sts:ExternalId",
        "sts:RoleSessionName",
        "sts:SourceIdentity",
        "sts:TransitiveTagKeys",
    ],
)
def test_what_the_caller_says_of_his_session_is_for_him_to_know(desk: Desk, key: str) -> None:
    """IAM User Guide, "IAM and AWS STS condition context keys" and "AWS global condition context keys"."""
    desk.knows(may_assume(PARTNER))
    trust = to({"AWS": FOREIGN}, Condition={"StringEquals": {key: "12345"}})
    found = desk.ask("app", trust, assumed_by=(PARTNER,))
    assert isinstance(found, TrustUnknown)
    assert f"allows depending on {key}" in found.reason


def test_roles_anywhere_needs_three_actions(desk: Desk) -> None:
    """IAM Roles Anywhere User Guide, "Trust model": AssumeRole, SetSourceIdentity and TagSession."""
    name = "rolesanywhere.amazonaws.com"
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    assert isinstance(desk.ask("app", to({"Service": name}, Action=actions), assumed_by=(name,)), Trusted)
    for missing in actions:
        rest = [one for one in actions if one != missing]
        found = desk.ask("app", to({"Service": name}, Action=rest), assumed_by=(name,))
        assert isinstance(found, NotTrusted)
        assert f"allows {missing} to nobody" in found.reason


def github(subject: str | None) -> dict[str, Any]:
    """GitHub, "Configuring OpenID Connect in Amazon Web Services"."""
    issuer = "token.actions.githubusercontent.com"
    condition: dict[str, Any] = {"StringEquals": {f"{issuer}:aud": "sts.amazonaws.com"}}
    if subject:
        condition["StringLike"] = {f"{issuer}:sub": subject}
    return to({"Federated": GITHUB}, Action="sts:AssumeRoleWithWebIdentity", Condition=condition)


@pytest.mark.parametrize("declared", [(), (GITHUB,)])
def test_a_workflow_of_one_repository_gets_in(desk: Desk, declared: tuple[str, ...]) -> None:
    desk.providers = (GITHUB,)
    found = desk.ask("app", github("repo:octo-org/octo-repo:*"), assumed_by=declared)
    assert found == Trusted((GITHUB,), "#1")


def test_a_provider_that_the_trust_policy_does_not_name_is_told_whom_it_does(desk: Desk) -> None:
    other = f"arn:aws:iam::{HERE}:oidc-provider/login.example.com"
    desk.providers = (GITHUB, other)
    found = desk.ask("app", github("repo:octo-org/octo-repo:*"), assumed_by=(other,))
    assert found == NotTrusted(f"the trust policy allows sts:AssumeRoleWithWebIdentity to {GITHUB}, not to {other}")


@pytest.mark.parametrize("subject", [None, "*", "repo:*", "repo:*:ref:refs/heads/*"])
def test_every_workflow_on_earth_is_too_wide(desk: Desk, subject: str | None) -> None:
    desk.providers = (GITHUB,)
    (warning,) = desk.ask("app", github(subject)).warnings
    assert isinstance(warning, TooWide)
    assert warning.who == "anybody with a token of token.actions.githubusercontent.com"


def test_an_audience_that_every_workflow_can_ask_for_pins_nothing(desk: Desk) -> None:
    desk.providers = (GITHUB,)
    statement = github(None)
    statement["Condition"]["StringEquals"] = {"token.actions.githubusercontent.com:aud": "octo-org"}
    assert [type(one) for one in desk.ask("app", statement).warnings] == [TooWide]


def test_an_issuer_that_hands_out_client_ids_is_pinned_by_its_audience(desk: Desk) -> None:
    """IAM User Guide, "Create a role for OpenID Connect federation": the audience is a client id of the issuer."""
    desk.providers = (f"arn:aws:iam::{HERE}:oidc-provider/login.example.com",)
    trust = to({"Federated": desk.providers[0]}, Action="sts:AssumeRoleWithWebIdentity")
    pinned = trust | {"Condition": {"StringEquals": {"login.example.com:aud": "my-application"}}}
    assert desk.ask("app", pinned) == Trusted(desk.providers, "#1")
    assert [type(one) for one in desk.ask("app", trust).warnings] == [TooWide, AudienceNotPinned]


def test_a_provider_that_does_not_exist_lets_nobody_in(desk: Desk) -> None:
    desk.providers = ()
    assert desk.ask("app", github(None)) == NotTrusted(f"the OIDC provider {GITHUB} does not exist")


def test_a_user_pool_is_pinned_by_its_audience(desk: Desk) -> None:
    """IAM User Guide, "Creating a role for OIDC federation": Cognito asks for the identity pool as `aud`."""
    pool = "eu-west-2:12345678-abcd-abcd-abcd-123456"
    cognito = to({"Federated": "cognito-identity.amazonaws.com"}, Action="sts:AssumeRoleWithWebIdentity")
    pinned = cognito | {"Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": pool}}}
    assert desk.ask("app", pinned).warnings == ()
    (warning,) = desk.ask("app", cognito).warnings
    assert isinstance(warning, TooWide)


@pytest.mark.parametrize("principal", ["*", {"Federated": "*"}])
def test_a_token_of_any_provider_is_too_wide(desk: Desk, principal: object) -> None:
    (warning,) = desk.ask("app", to(principal, Action="sts:AssumeRoleWithWebIdentity")).warnings
    assert isinstance(warning, TooWide)
    assert warning.who == "anybody with a token of accounts.google.com"


def test_a_saml_provider_gets_in(desk: Desk) -> None:
    saml = f"arn:aws:iam::{HERE}:saml-provider/corporate"
    condition = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
    trust = to({"Federated": saml}, Action="sts:AssumeRoleWithSAML", Condition=condition)
    assert desk.ask("app", trust, assumed_by=(saml,)) == Trusted((saml,), "#1")
    assert desk.ask("app", trust) == Trusted((saml,), "#1")
    assert isinstance(desk.ask("app", trust | {"Action": "sts:AssumeRole"}, assumed_by=(saml,)), NotTrusted)


def test_without_a_declaration_it_is_told_who_gets_in(desk: Desk) -> None:
    trust = to({"AWS": [CI, f"arn:aws:iam::{FOREIGN}:root"], "Service": "glue.amazonaws.com"})
    found = desk.ask("app", trust)
    assert found == Trusted((CI, f"account {FOREIGN}", "glue.amazonaws.com"), "#1")


def test_whoever_is_denied_is_not_told(desk: Desk) -> None:
    deny = {"Sid": "NotThem", "Effect": "Deny", "Principal": {"AWS": PARTNER}, "Action": "sts:AssumeRole"}
    found = desk.ask("app", to({"AWS": [CI, PARTNER]}), deny)
    assert found == Trusted((CI,), "#1")
    nobody = desk.ask("app", to({"AWS": PARTNER}), deny)
    assert isinstance(nobody, NotTrusted)
    assert nobody.statement == "NotThem"


def test_a_trust_policy_for_nobody_is_not_trusted(desk: Desk) -> None:
    denied = to({"AWS": CI}) | {"Effect": "Deny"}
    assert desk.ask("app", denied) == NotTrusted("the trust policy lets nobody in")


def test_a_deleted_principal_is_nobody(desk: Desk) -> None:
    """IAM User Guide, "AWS JSON policy elements: Principal": a deleted role stays as its unique id."""
    found = desk.ask("app", to({"AWS": "AROADBQP57FF2AEXAMPLE"}))
    assert isinstance(found, NotTrusted)
    assert "its principals were deleted: AROADBQP57FF2AEXAMPLE" in found.reason


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}])
def test_everybody_is_too_wide(desk: Desk, principal: object) -> None:
    found = desk.ask("app", to(principal))
    assert isinstance(found, Trusted)
    assert found.by == ("everybody",)
    (warning,) = found.warnings
    assert warning == TooWide("everybody", warning.reason, "#1")
    assert "every AWS account" in warning.reason


@pytest.mark.parametrize("kind", ["lambda", "ec2", "eks"])
def test_everybody_is_too_wide_for_every_consumer(desk: Desk, kind: str) -> None:
    assert [type(one) for one in desk.ask(kind, to("*")).warnings] == [TooWide]


@pytest.mark.parametrize(
    ("condition", "wide"),
    [
        ({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{FOREIGN}:role/*"}}, False),
        ({"StringEquals": {"sts:ExternalId": "12345"}}, False),
        ({"StringEquals": {"aws:PrincipalTag/team": "orders"}}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, True),
        ({"StringNotEquals": {"aws:PrincipalAccount": FOREIGN}}, True),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, True),
    ],
)
def test_everybody_under_a_condition_is_too_wide_if_everybody_can_meet_it(
    desk: Desk, condition: dict[str, Any], wide: bool
) -> None:
    found = desk.ask("app", to("*", Condition=condition))
    assert bool(found.warnings) is wide
    assert isinstance(found, TrustUnknown)
    assert "write assumed_by" in found.reason


def test_everybody_but_one_is_too_wide(desk: Desk) -> None:
    but = {"Effect": "Allow", "NotPrincipal": {"AWS": PARTNER}, "Action": "sts:AssumeRole"}
    found = desk.ask("app", but)
    assert isinstance(found, Trusted)
    assert [type(one) for one in found.warnings] == [TooWide]


def test_a_denial_of_strangers_narrows_everybody(desk: Desk) -> None:
    outsiders = to("*", Condition={"StringNotEquals": {"aws:PrincipalAccount": HERE}}) | {"Effect": "Deny"}
    assert desk.ask("app", to("*"), outsiders).warnings == ()
