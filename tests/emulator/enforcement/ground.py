"""Roles, users, secrets and keys whose policies are tried out against the embedded AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from tests.emulator.conftest import Clients

if TYPE_CHECKING:
    from collections.abc import Callable

OWN, OTHER = "111122223333", "444455556666"
READ, DECRYPT = "secretsmanager:GetSecretValue", "kms:Decrypt"


def document(*statements: Mapping[str, Any]) -> str:
    """A policy document of version 2012-10-17."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, resource: str = "*", **rest: object) -> dict[str, Any]:
    """A statement of a policy that is attached to a principal."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **rest}


def deny(*actions: str, resource: str = "*", **rest: object) -> dict[str, Any]:
    """The same that denies."""
    return {**allow(*actions, resource=resource, **rest), "Effect": "Deny"}


def of(*principals: str) -> dict[str, Any]:
    """The principal element."""
    return {"Principal": {"AWS": list(principals)}}


TRUSTED = document({"Effect": "Allow", **of(OWN), "Action": ["sts:AssumeRole", "sts:TagSession"]})


@dataclass(frozen=True)
class Actors:
    """Whoever is made in one account.

    Attributes:
        operator: of the default account.
        clients: of the administrator of the account.
        account_id: the account.
    """

    operator: Clients
    clients: Clients
    account_id: str

    def role(
        self,
        name: str,
        *statements: Mapping[str, Any],
        trust: str = TRUSTED,
        **members: Any,  # noqa: ANN401 - boto3 has its own
    ) -> str:
        """A role with one inline policy, or none; its ARN."""
        made = self.clients.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **members)["Role"]["Arn"]
        if statements:
            self.allow(name, *statements)
        return made

    def allow(self, name: str, *statements: Mapping[str, Any]) -> None:
        """Replace the inline policy of a role."""
        self.clients.iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document(*statements))

    def managed(self, name: str, *statements: Mapping[str, Any]) -> str:
        """A managed policy; its ARN."""
        return self.clients.iam.create_policy(PolicyName=name, PolicyDocument=document(*statements))["Policy"]["Arn"]

    def session(self, name: str, **members: object) -> Clients:
        """The operator as a role of the account."""
        return assume(self.operator, f"arn:aws:iam::{self.account_id}:role/{name}", **members)

    def user(self, name: str, *statements: Mapping[str, Any]) -> Clients:
        """A user with an access key."""
        self.clients.iam.create_user(UserName=name)
        if statements:
            self.clients.iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=document(*statements))
        key = self.clients.iam.create_access_key(UserName=name)["AccessKey"]
        return with_keys(self.operator, key["AccessKeyId"], key["SecretAccessKey"])


def assume(caller: Clients, role_arn: str, **members: Any) -> Clients:  # noqa: ANN401 - boto3 has its own
    """Clients of a session."""
    issued = caller.sts.assume_role(RoleArn=role_arn, RoleSessionName="test", **members)["Credentials"]
    return with_keys(caller, issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])


def with_keys(like: Clients, key_id: str, secret: str, token: str | None = None) -> Clients:
    """Clients with other credentials."""
    session = boto3.Session(key_id, secret, token, region_name=like.session.region_name)
    return Clients(session, like.endpoint_url)


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    """Code and sentence of AWS's error; empty for none."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return "", ""


def value(clients: Clients, secret_id: str) -> str:
    """What GetSecretValue returns."""
    return clients.secrets.get_secret_value(SecretId=secret_id)["SecretString"]
