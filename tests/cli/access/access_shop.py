"""A shop whose secrets are read by a role of its own, one of another account, and one that nobody declared.

What the commands answer is judged against what the embedded AWS really lets these roles do.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import dedent
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from secrets_pipeline.cli.app import app
from secrets_pipeline.emulator import ADMINISTRATOR_ROLE, CountedCall, LocalAws, calls, reset_calls
from tests.embedded import emptied, operator
from tests.runs import assert_exited

CANARY = "canary-Qd37-nobody-prints-this"
ACCOUNT, OTHER, MANAGEMENT = "111122223333", "444455556666", "999988887777"
STACK = "shop-dev"
TOKEN, CONFIG, LEGACY = "shop/dev/api/token", "shop/dev/api/config", "legacy/smtp"
WORKER, PARTNER = f"arn:aws:iam::{ACCOUNT}:role/jobs/worker", f"arn:aws:iam::{OTHER}:role/partner"
AUDITOR, STRANGER = f"arn:aws:iam::{ACCOUNT}:role/auditor", f"arn:aws:iam::{ACCOUNT}:role/stranger"
READ, DECRYPT = "secretsmanager:GetSecretValue", "kms:Decrypt"
SHOP = f"""
    vars:
      context_name: shop
      environment: dev
      region: eu-west-2
    components:
      terraform:
        secretsmanager/app:
          vars:
            create_kms_key: true
            secrets:
              token:
                path: api
                generate_random_password: true
              config:
                path: api
                secret_data:
                  endpoint: https://partner.example
                  pin: {CANARY}
            consumers:
              worker: {{type: lambda, role_arn: "{WORKER}", secrets: [token]}}
              partner: {{type: app, role_arn: "{PARTNER}", secrets: [config]}}
"""
ELSEWHERE = """
    vars: {context_name: shop, environment: %s, region: %s}
    components:
      terraform:
        secretsmanager/app:
          vars:
            create_kms_key: true
            secrets:
              token: {path: api, generate_random_password: true}
"""
OPERATOR = f"""
    grants: {{preset: single-team, readers: ["*"]}}
    targets:
      - {{stacks: "*-other", account_id: "{OTHER}", region: eu-west-2}}
      - {{stacks: "*", account_id: "{ACCOUNT}"}}
    database_logins: false
    access:
      accounts:
        - {{account_id: "{OTHER}", role_arn: "arn:aws:iam::{OTHER}:role/{ADMINISTRATOR_ROLE}"}}
      allowed_readers: ["arn:aws:iam::*:role/{ADMINISTRATOR_ROLE}"]
      organization_policies: allow
"""


@dataclass(frozen=True)
class AccessShop:
    """A repository, its stack applied in an embedded AWS, and plain boto3 as the independent witness.

    Attributes:
        folder: holds the repository under `atmos`, and the operator's settings.
    """

    aws: LocalAws
    folder: Path

    def run(self, *arguments: str | Path, **environment: str) -> Result:
        """A command in this process; nothing counted before it."""
        reset_calls(self.aws)
        settings = {
            **self.aws.environment(),
            "DAGSTER_HOME": str(self.folder / "home"),
            "SECRETS_PIPELINE_CONFIG": str(self.folder / "operator.yaml"),
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**settings, **environment}.items():
                patch.setenv(name, value)
            whole = [*map(str, arguments), "--base-path", str(self.folder / "atmos")]
            return CliRunner().invoke(app, whole, prog_name="secrets-pipeline")

    def read(self, *arguments: str | Path) -> Any:  # noqa: ANN401 - JSON
        """What a command prints as JSON, alone on stdout."""
        result = self.run(*arguments)
        assert_exited(result)
        return json.loads(result.stdout)

    def readings(self, *arguments: str | Path) -> dict[tuple[str, str], dict[str, Any]]:
        """The matrix by principal and secret."""
        found = self.read("access", "matrix", "-s", STACK, "--format", "json", *arguments)
        assert found["stack"] == STACK
        return {(one["principal"], one["secret"]): one for one in found["readings"]}

    @property
    def calls(self) -> tuple[CountedCall, ...]:
        """What the last command called."""
        return calls(self.aws)

    @cached_property
    def own(self) -> boto3.Session:
        """The operator, who administers the account."""
        return operator(self.aws)

    @cached_property
    def other(self) -> boto3.Session:
        """The administrator of the other account."""
        return self.assume(f"arn:aws:iam::{OTHER}:role/{ADMINISTRATOR_ROLE}", self.own)

    @cached_property
    def organization(self) -> Any:  # noqa: ANN401 - boto3 has its own
        """The organisation of a third account, of which ours is a member: its client."""
        return self.client(
            "organizations", self.assume(f"arn:aws:iam::{MANAGEMENT}:role/{ADMINISTRATOR_ROLE}", self.own)
        )

    def client(self, service: str, session: boto3.Session | None = None) -> Any:  # noqa: ANN401 - boto3 has its own
        """A client; the operator's by default."""
        made: Any = session or self.own
        return made.client(service, endpoint_url=self.aws.endpoint_url)

    def iam(self, arn: str) -> Any:  # noqa: ANN401 - boto3 has its own
        """IAM of a role's account."""
        return self.client("iam", self._account_of(arn))

    def assume(self, arn: str, caller: boto3.Session | None = None) -> boto3.Session:
        """A session of a role, assumed by the administrator of its account."""
        sts = self.client("sts", caller or self._account_of(arn))
        issued = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        keys = (issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])
        return boto3.Session(*keys, region_name="eu-west-2")

    def answer(self, arn: str, secret: str) -> str:
        """What AWS answers a role that asks for a secret: `read`, or the code and text of its refusal."""
        asked = self.client("secretsmanager", self.assume(arn))
        try:
            asked.get_secret_value(SecretId=self.arn(secret))
        except ClientError as error:
            return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
        return "read"

    def arn(self, secret: str) -> str:
        """The complete ARN of a secret."""
        found: str = self.client("secretsmanager").describe_secret(SecretId=secret)["ARN"]
        return found

    def key(self, secret: str = TOKEN) -> str:
        """ARN of the key that opens a secret."""
        kms = self.client("kms")
        named = self.client("secretsmanager").describe_secret(SecretId=secret)["KmsKeyId"]
        found: str = kms.describe_key(KeyId=named)["KeyMetadata"]["Arn"]
        return found

    @contextmanager
    def policy(self, arn: str, *statements: Mapping[str, Any], name: str = "reading") -> Iterator[None]:
        """An inline policy of a role, taken away afterwards; it replaces the one of that name."""
        role, iam = arn.rsplit("/", 1)[-1], self.iam(arn)
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document(*statements))
        try:
            yield
        finally:
            iam.delete_role_policy(RoleName=role, PolicyName=name)

    @contextmanager
    def key_policy(self, *statements: Mapping[str, Any]) -> Iterator[None]:
        """Another policy of the stack's key, put back afterwards."""
        kms, key = self.client("kms"), self.key()
        kept = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document(*statements))
        try:
            yield
        finally:
            kms.put_key_policy(KeyId=key, PolicyName="default", Policy=kept)

    def _account_of(self, arn: str) -> boto3.Session:
        return self.other if arn.split(":")[4] == OTHER else self.own


def document(*statements: Mapping[str, Any]) -> str:
    """A policy document of version 2012-10-17."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, sid: str = "Everything", resource: str = "*", **rest: Mapping[str, Any]) -> dict[str, Any]:
    """A statement that allows."""
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource, **rest}


def deny(*actions: str, sid: str = "Never", resource: str = "*", **rest: Mapping[str, Any]) -> dict[str, Any]:
    """A statement that denies."""
    return {**allow(*actions, sid=sid, resource=resource, **rest), "Effect": "Deny"}


def opened(embedded_aws: LocalAws, folder: Path, atmos: str) -> AccessShop:
    """The shop, its stack applied; each role exists, and none may do anything yet. Its organisation forbids nothing.

    Args:
        embedded_aws: is emptied.
        folder: for all that it writes.
        atmos: what its `atmos.yaml` says.
    """
    stacks = {"dev": SHOP, "west": ELSEWHERE % ("west", "eu-west-1"), "other": ELSEWHERE % ("other", "eu-west-2")}
    (folder / "atmos" / "stacks").mkdir(parents=True)
    (folder / "atmos" / "atmos.yaml").write_text(dedent(atmos))
    for name, text in stacks.items():
        (folder / "atmos" / "stacks" / f"{name}.yaml").write_text(dedent(text))
    (folder / "operator.yaml").write_text(dedent(OPERATOR))
    shop = AccessShop(emptied(embedded_aws), folder)
    with pytest.MonkeyPatch.context() as patch:
        for name in [one for one in os.environ if one.startswith(("AWS_", "ATMOS_", "SECRETS_PIPELINE_"))]:
            patch.delenv(name)
        _join_organization(shop)
        for arn in (WORKER, PARTNER, AUDITOR, STRANGER):
            _role(shop, arn)
        shop.client("secretsmanager").create_secret(Name=LEGACY, SecretString=CANARY)
        applied = shop.run("apply", "-s", STACK)
        # Its exit code is 1: no consumer can read yet.
        assert "run succeeded" in applied.stdout, applied.output
    return shop


def _join_organization(shop: AccessShop) -> None:
    shop.organization.create_organization(FeatureSet="ALL")
    invited = shop.organization.invite_account_to_organization(Target={"Id": ACCOUNT, "Type": "ACCOUNT"})
    shop.client("organizations").accept_handshake(HandshakeId=invited["Handshake"]["Id"])


def _role(shop: AccessShop, arn: str) -> None:
    """A role that its account's administrators, and Lambda, may assume."""
    _, _, rest = arn.partition(":role/")
    path, _, name = f"/{rest}".rpartition("/")
    account = arn.split(":")[4]
    run = {"Sid": "Run", "Principal": {"Service": "lambda.amazonaws.com"}}
    administrators = {"Sid": "Administrators", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
    trust = [{**one, "Effect": "Allow", "Action": "sts:AssumeRole"} for one in (run, administrators)]
    shop.iam(arn).create_role(RoleName=name, Path=f"{path}/", AssumeRolePolicyDocument=document(*trust))
