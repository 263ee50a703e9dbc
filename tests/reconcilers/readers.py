"""Principals of our own account and of another one, in an AWS that holds nothing else, and consumers that they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import boto3

from secrets_pipeline.desired.consumer.model import ConsumerSpec, ReaderType
from secrets_pipeline.desired.settings.access import AccessSettings, VisibleAccount
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.emulator import ADMINISTRATOR_ROLE, FaultAction, InjectedFault, arm

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

    from secrets_pipeline.reconcilers.finding import Finding
    from secrets_pipeline.reconcilers.stack import Stack
    from tests.bench import Bench

AWAY = "444455556666"
READ, DECRYPT = "secretsmanager:GetSecretValue", "kms:Decrypt"
Statement: TypeAlias = dict[str, Any]
READS: tuple[Statement, ...] = (
    {"Sid": "Read", "Effect": "Allow", "Action": READ, "Resource": "*"},
    {"Sid": "Decrypt", "Effect": "Allow", "Action": DECRYPT, "Resource": "*"},
)
BY_LAMBDA: Statement = {
    "Sid": "Run",
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


def document(*statements: Mapping[str, Any]) -> str:
    """A policy as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(principal: object, action: str = READ, **more: object) -> Statement:
    """A statement of a resource's policy."""
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}


def by_account(account_id: str) -> Statement:
    """Whoever an account lets, the operator among them, may assume the role."""
    return {"Effect": "Allow", "Principal": {"AWS": account_id}, "Action": "sts:AssumeRole"}


class Readers:
    """Principals of accounts, and stacks with consumers.

    Attributes:
        bench: whose AWS is empty.
        account_id: our own account.
    """

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.account_id = bench.aws.account_id
        self._sessions = {self.account_id: bench.session}

    def session(self, account_id: str) -> boto3.Session:
        """An administrator of an account."""
        if account_id not in self._sessions:
            self._sessions[account_id] = self.assume(self.administrator(account_id).role_arn)
        return self._sessions[account_id]

    def assume(self, arn: str) -> boto3.Session:
        """A session of a role."""
        keys = self.bench.session.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return boto3.Session(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=self.bench.aws.region
        )

    @staticmethod
    def administrator(account_id: str) -> VisibleAccount:
        """The account, and a role there that the pipeline may assume."""
        return VisibleAccount(account_id=account_id, role_arn=f"arn:aws:iam::{account_id}:role/{ADMINISTRATOR_ROLE}")

    def iam(self, account_id: str = "") -> IAMClient:
        """IAM of an account, our own if none is named."""
        return self.session(account_id or self.account_id).client("iam")

    def role(
        self,
        name: str = "reader",
        *statements: Statement,
        account_id: str = "",
        trust: tuple[Statement, ...] = (BY_LAMBDA,),
    ) -> str:
        """Make a role with these statements as its inline policy `own`; its ARN."""
        iam = self.iam(account_id)
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(*trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        return arn

    def administrators(self) -> tuple[str, str]:
        """Make what most accounts have: a role of IAM Identity Center, and the one that their organisation makes.

        Returns:
            Their ARNs.
        """
        iam, made = self.iam(), []
        for path, name in (
            ("/aws-reserved/sso.amazonaws.com/eu-west-2/", "AWSReservedSSO_AdministratorAccess_0123456789abcdef"),
            ("/", ADMINISTRATOR_ROLE),
        ):
            trust = document(by_account(self.account_id))
            role = iam.create_role(Path=path, RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
            iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
            made.append(role["Arn"])
        sso, organization = made
        return sso, organization

    def user(self, name: str, *statements: Statement) -> str:
        """Make a user with these statements as its inline policy `own`; its ARN."""
        arn = self.iam().create_user(UserName=name)["User"]["Arn"]
        if statements:
            self.iam().put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
        return arn

    def consumer(self, arn: str, *keys: str, **more: object) -> ConsumerSpec:
        """A consumer of secrets of the component `secrets`."""
        given = {"name": "orders", "type": ReaderType.LAMBDA, "principals": {"role": arn}, **more}
        return ConsumerSpec(component="secrets", secrets=tuple(map(self.bench.ref, keys)), **given)

    def stack(self, *consumers: ConsumerSpec, keys: tuple[str, ...] = ("a",), **more: object) -> StackSpec:
        """A stack that is applied: its secrets are under the default key."""
        return self.bench.create(*map(self.bench.declared, keys), consumers=consumers, **more)

    def keyed_stack(self, *consumers: ConsumerSpec, readers: tuple[str, ...] = (), **more: object) -> StackSpec:
        """A stack that is applied: its secret `a` is under a key of its own; `readers` of other accounts read it."""
        bench = self.bench
        secret = bench.declared("a", kms_key=bench.late("${output.kms.key_arn}"), readers=readers)
        return bench.create(secret, keys=(bench.key(readers=readers),), consumers=consumers, **more)

    def look(self, spec: StackSpec, **access: object) -> Stack:
        """A fresh run that only looks, with what the operator says about readers."""
        settings = OperatorSettings(access=AccessSettings(**access))
        return self.bench.context(spec, writing=False, settings=settings)

    def policy_of(self, key: str, *statements: Statement) -> None:
        """Replace the policy of a secret."""
        self.bench.secrets.put_resource_policy(
            SecretId=self.bench.name(key), ResourcePolicy=document(*statements), BlockPublicPolicy=False
        )

    def key_policy(self, *statements: Statement) -> None:
        """Replace the policy of the stack's own key by one that delegates to the account, and these statements."""
        root = allow({"AWS": f"arn:aws:iam::{self.account_id}:root"}, "kms:*", Sid="Root")
        self.bench.kms.put_key_policy(KeyId=self.key_arn, PolicyName="default", Policy=document(root, *statements))

    @property
    def key_arn(self) -> str:
        """The stack's own key."""
        return self.bench.kms.describe_key(KeyId=self.bench.alias)["KeyMetadata"]["Arn"]

    def refuse(self, service: str, operation: str) -> None:
        """Refuse the next call of an operation."""
        arm(self.bench.aws, InjectedFault(FaultAction.DENY, service=service, operation=operation))


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    """Names and verdicts."""
    return [(one.name, one.verdict.value) for one in findings]


def about(findings: list[Finding], principal: str) -> list[Finding]:
    """What was found of one principal."""
    return [one for one in findings if one.columns.get("principal") == principal]
