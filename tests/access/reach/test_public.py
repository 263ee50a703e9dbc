"""Policies that let in everybody, or an organisation; and those that look so and do not."""

from __future__ import annotations

from typing import Any

import pytest

from secrets_pipeline.access.evaluator import Layer
from secrets_pipeline.access.reach.public import PublicCaller, public_callers
from tests.access.builders import (
    AWAY,
    DECRYPT,
    DELEGATES,
    FOREIGN,
    HOME,
    KEY,
    NAME,
    ORGANIZATION,
    OTHER_KEY,
    OTHER_NAME,
    REGION,
    VIA,
    Statement,
    World,
    allow,
    deny,
    document,
    secret_arn,
    when,
    world,
)

OTHER_ORGANIZATION = "o-partnerorg"


def let_in(made: World) -> list[tuple[str, PublicCaller, str]]:
    estate = made.estate()
    secrets = [secret for name in made.secrets if (secret := estate.secret(name)) is not None]
    return [(one.resource, one.caller, one.organization) for one in public_callers(made.snapshot, secrets)]


def of_secret(*statements: Statement) -> list[tuple[PublicCaller, str]]:
    made = world()
    made.secret_policy(*statements)
    return [(crowd, organization) for resource, crowd, organization in let_in(made) if resource == secret_arn()]


def everybody(*conditions: dict[str, Any]) -> Statement:
    joined: dict[str, Any] = {}
    for one in conditions:
        joined |= one
    return allow(principal="*", sid="Open", condition=joined)


PUBLIC: dict[str, list[Statement]] = {
    "everybody": [allow(principal="*")],
    "every AWS principal": [allow(principal={"AWS": "*"})],
    "everybody but one": [
        {"Effect": "Allow", "NotPrincipal": {"AWS": FOREIGN}, "Action": "secretsmanager:*", "Resource": "*"}
    ],
    "every address": [everybody(when("IpAddress", "aws:SourceIp", "0.0.0.0/0"))],
    "every address but ours": [everybody(when("NotIpAddress", "aws:SourceIp", "10.0.0.0/8"))],
    "every endpoint but one, and none": [everybody(when("StringNotEquals", "aws:SourceVpce", "vpce-1"))],
    "an endpoint if there is one": [everybody(when("StringEqualsIfExists", "aws:SourceVpce", "vpce-1"))],
    "any principal's ARN": [everybody(when("StringLike", "aws:PrincipalArn", "*"))],
    "any account": [everybody(when("StringLike", "aws:PrincipalAccount", "*"))],
    "any other organisation": [everybody(when("StringNotEquals", "aws:PrincipalOrgID", ORGANIZATION))],
    "any organisation": [everybody(when("StringLike", "aws:PrincipalOrgID", "o-*"))],
    # No value of an absent key is outside of any set: AWS's page on ForAllValues warns of it.
    "all values of an absent key": [everybody(when("ForAllValues:StringEquals", "aws:PrincipalOrgID", ORGANIZATION))],
    "over TLS": [everybody(when("Bool", "aws:SecureTransport", "true"))],
    "the current version": [everybody(when("StringEquals", "secretsmanager:VersionStage", "AWSCURRENT"))],
    "a tag that anybody gives to a role of his": [everybody(when("StringEquals", "aws:PrincipalTag/team", "orders"))],
    "a header that anybody writes": [everybody(when("StringLike", "aws:UserAgent", "*our-tool*"))],
    "a page that anybody says he comes from": [everybody(when("StringLike", "aws:Referer", "https://example.com/*"))],
    "a name that anybody gives to his session": [everybody(when("StringEquals", "aws:SourceIdentity", "ana"))],
    "a second factor that anybody has": [everybody(when("Bool", "aws:MultiFactorAuthPresent", "true"))],
    "a second factor of the last hour": [everybody(when("NumericLessThan", "aws:MultiFactorAuthAge", "3600"))],
    "a session of this year": [everybody(when("DateGreaterThan", "aws:TokenIssueTime", "2026-01-01T00:00:00Z"))],
    "a user's name that anybody gives": [everybody(when("StringEquals", "aws:username", "ana"))],
    "a name that anybody gives to a role of his": [
        everybody(when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/deploy-*"))
    ],
    "a name that anybody gives to a user of his": [
        everybody(when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:user/ana"))
    ],
    "any user": [everybody(when("StringEquals", "aws:PrincipalType", "User"))],
    "everybody until next year": [everybody(when("DateLessThan", "aws:CurrentTime", "2027-01-01T00:00:00Z"))],
    "everybody but those who bring a tag": [
        allow(principal="*"),
        deny(principal="*", condition=when("StringNotEquals", "aws:PrincipalTag/team", "orders")),
    ],
}
SOME: dict[str, list[Statement]] = {
    "an endpoint": [everybody(when("StringEquals", "aws:SourceVpce", "vpce-1"))],
    "our network": [everybody(when("IpAddress", "aws:SourceIp", "10.0.0.0/8"))],
    "the endpoints of an organisation": [everybody(when("StringEquals", "aws:VpceOrgID", ORGANIZATION))],
    "one unit": [
        everybody(when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORGANIZATION}/r-ab12/ou-ab12-1/*"))
    ],
    "everybody, but denied outside of the organisation and unit": [
        allow(principal="*"),
        deny(
            principal="*",
            condition=when("ForAllValues:StringNotLike", "aws:PrincipalOrgPaths", f"{ORGANIZATION}/r-ab12/ou-ab12-1/*"),
        ),
    ],
    "one unique id": [everybody(when("StringLike", "aws:userid", "AROAEXAMPLEID:*"))],
}
CLOSED: dict[str, list[Statement]] = {
    "one role": [allow(principal=FOREIGN)],
    "one account": [allow(principal=AWAY)],
    "one principal's ARN": [everybody(when("ArnEquals", "aws:PrincipalArn", FOREIGN))],
    "one account's principals": [everybody(when("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{AWAY}:role/*"))],
    "one account by its number": [everybody(when("StringEquals", "aws:PrincipalAccount", AWAY))],
    "one role through an endpoint": [
        allow(principal=FOREIGN, condition=when("StringEquals", "aws:SourceVpce", "vpce-1"))
    ],
    "everybody until last year": [everybody(when("DateLessThan", "aws:CurrentTime", "2025-01-01T00:00:00Z"))],
    "something else": [allow("secretsmanager:DescribeSecret", principal="*")],
    "a deny": [deny(principal="*")],
    "a deny unless through an endpoint": [
        allow(principal=FOREIGN),
        deny(principal="*", condition=when("StringNotEquals", "aws:SourceVpce", "vpce-1")),
    ],
    "nobody": [],
}
WHOLE: dict[str, tuple[dict[str, Any], str]] = {
    "by its id": (when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION), ORGANIZATION),
    "by its id, in any case of the key": (when("StringEquals", "aws:principalorgid", ORGANIZATION), ORGANIZATION),
    "somebody else's": (when("StringEquals", "aws:PrincipalOrgID", OTHER_ORGANIZATION), OTHER_ORGANIZATION),
    "by all its paths": (
        when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORGANIZATION}/*"),
        ORGANIZATION,
    ),
    "by its root": (
        when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORGANIZATION}/r-ab12/*"),
        ORGANIZATION,
    ),
}


@pytest.mark.parametrize("policy", PUBLIC)
def test_a_policy_that_lets_in_everybody_is_public(policy: str) -> None:
    assert of_secret(*PUBLIC[policy]) == [(PublicCaller.PUBLIC, "")]


@pytest.mark.parametrize("policy", SOME)
def test_a_policy_that_chooses_by_what_no_list_tells_lets_in_some(policy: str) -> None:
    assert of_secret(*SOME[policy]) == [(PublicCaller.SOME, "")]


@pytest.mark.parametrize("policy", CLOSED)
def test_a_policy_that_lets_in_whom_it_names_is_closed(policy: str) -> None:
    assert of_secret(*CLOSED[policy]) == []


@pytest.mark.parametrize("how", WHOLE)
def test_a_policy_that_lets_in_an_organisation_is_named_with_it(how: str) -> None:
    condition, organization = WHOLE[how]
    assert of_secret(everybody(condition)) == [(PublicCaller.ORGANIZATION, organization)]


def test_the_statement_that_lets_in_is_named() -> None:
    made = world()
    made.secret_policy(allow(sid="One", principal=FOREIGN), everybody(when("Bool", "aws:SecureTransport", "true")))
    estate = made.estate()
    secret = estate.secret(NAME)
    assert secret is not None
    (found,) = public_callers(made.snapshot, [secret])
    assert (found.decision.decided_by.layer, found.decision.decided_by.statement) == (Layer.SECRET_POLICY, "Open")


def test_a_policy_is_public_even_if_the_organisations_policies_could_not_be_read() -> None:
    made = world()
    made.rcps, made.organization_unread = {}, "refused"
    made.secret_policy(allow(principal="*"))
    assert let_in(made) == [(secret_arn(), PublicCaller.PUBLIC, "")]


def test_a_resource_control_policy_that_keeps_strangers_out_is_believed() -> None:
    fence = deny("*", principal="*", condition=when("StringNotEqualsIfExists", "aws:PrincipalOrgID", ORGANIZATION))
    made = world()
    full = made.rcps[HOME][0][0]
    made.rcps[HOME] = ((full, full.model_copy(update={"document": document(fence)})),)
    made.secret_policy(allow(principal="*"))
    assert let_in(made) == [(secret_arn(), PublicCaller.ORGANIZATION, ORGANIZATION)]


KEY_POLICIES: dict[str, tuple[Statement, list[PublicCaller]]] = {
    "everybody": (allow("kms:*", principal="*"), [PublicCaller.PUBLIC]),
    "everybody through Secrets Manager": (allow(DECRYPT, principal="*", condition=VIA), [PublicCaller.PUBLIC]),
    "everybody through another service": (
        allow(DECRYPT, principal="*", condition=when("StringEquals", "kms:ViaService", f"s3.{REGION}.amazonaws.com")),
        [],
    ),
    "everybody of our account": (
        allow(DECRYPT, principal="*", condition=when("StringEquals", "kms:CallerAccount", HOME)),
        [],
    ),
    "everybody for this secret": (
        allow(DECRYPT, principal="*", condition=when("StringEquals", "kms:EncryptionContext:SecretARN", secret_arn())),
        [PublicCaller.PUBLIC],
    ),
    "everybody for another secret": (
        allow(DECRYPT, principal="*", condition=when("StringEquals", "kms:EncryptionContext:SecretARN", "another")),
        [],
    ),
    "the organisation": (
        allow(DECRYPT, principal="*", condition=when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION)),
        [PublicCaller.ORGANIZATION],
    ),
}


@pytest.mark.parametrize("policy", KEY_POLICIES)
def test_a_keys_policy_is_judged_as_for_a_read_of_its_secret(policy: str) -> None:
    statement, crowd = KEY_POLICIES[policy]
    made = world()
    made.key(KEY, *DELEGATES["Statement"], statement)
    assert [(resource, one) for resource, one, _ in let_in(made)] == [(KEY, one) for one in crowd]


def test_a_key_of_two_secrets_is_told_once_whichever_of_them_it_opens() -> None:
    made = world()
    made.secret(OTHER_NAME)
    made.key(KEY, allow("kms:*", principal="*"))
    assert let_in(made) == [(KEY, PublicCaller.PUBLIC, "")]
    only = when("StringEquals", "kms:EncryptionContext:SecretARN", secret_arn(OTHER_NAME))
    made.key(KEY, allow("kms:*", principal="*", condition=only))
    assert let_in(made) == [(KEY, PublicCaller.PUBLIC, "")]


def test_keys_that_aws_manages_or_nobody_read_are_not_told() -> None:
    made = world()
    made.secret(NAME, keys=(KEY, OTHER_KEY))
    made.key(KEY, allow("kms:*", principal="*"), aws_managed=True)
    assert let_in(made) == []
    made.key(OTHER_KEY, policy=None, unread="refused")
    assert let_in(made) == []
