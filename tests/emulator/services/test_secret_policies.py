"""Resource policies of secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Clients, Refused


def policy(**statement: object) -> str:
    base = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**base, **statement}]})


@pytest.mark.parametrize(
    "malformed",
    [
        "{",
        "[]",
        "{}",
        '{"Statement": []}',
        '{"Statement": [{"Effect": "Allow"}]}',
        policy(Effect="allow"),
        policy(Condition={"Equals": {"a": "b"}}),
    ],
)
def test_a_malformed_policy_is_refused(clients: Clients, refused: Refused, name: str, malformed: str) -> None:
    clients.secrets.create_secret(Name=name, SecretString="x")
    with refused("MalformedPolicyDocumentException"):
        clients.secrets.put_resource_policy(SecretId=name, ResourcePolicy=malformed)


@pytest.mark.parametrize(
    "public",
    [
        policy(),
        policy(Principal={"AWS": "*"}),
        policy(Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}),
        policy(Condition={"StringLike": {"aws:PrincipalArn": "*"}}),
        policy(Condition={"StringEquals": {"aws:PrincipalTag/team": "a"}}),
        policy(Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
    ],
)
def test_a_public_policy_is_stored_unless_the_caller_blocks_it(
    clients: Clients, refused: Refused, name: str, public: str
) -> None:
    clients.secrets.create_secret(Name=name, SecretString="x")
    with refused("PublicPolicyException"):
        clients.secrets.put_resource_policy(SecretId=name, ResourcePolicy=public, BlockPublicPolicy=True)
    assert not clients.secrets.validate_resource_policy(ResourcePolicy=public)["PolicyValidationPassed"]
    assert "ResourcePolicy" not in clients.secrets.get_resource_policy(SecretId=name)
    clients.secrets.put_resource_policy(SecretId=name, ResourcePolicy=public)
    assert clients.secrets.get_resource_policy(SecretId=name)["ResourcePolicy"] == public


@pytest.mark.parametrize(
    "narrow",
    [
        policy(Principal={"AWS": "arn:aws:iam::444455556666:root"}),
        policy(Effect="Deny"),
        policy(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        policy(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:iam::444455556666:role/a*"}}),
    ],
)
def test_a_narrow_policy_passes_the_block(clients: Clients, name: str, narrow: str) -> None:
    clients.secrets.create_secret(Name=name, SecretString="x")
    clients.secrets.put_resource_policy(SecretId=name, ResourcePolicy=narrow, BlockPublicPolicy=True)
    assert clients.secrets.validate_resource_policy(ResourcePolicy=narrow)["PolicyValidationPassed"]
