"""What others own on the embedded AWS: made by plain boto3, and by an apply of production's stack."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import boto3
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.pacer import Pacer
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.boundary import ALLOW_TAG
from secrets_pipeline.emulator import StandInFunction, StandInRole, StandInService, StandInStage, stand_in
from secrets_pipeline.engine.model import Applied, Unchanged
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository
from tests.applying import apply_stack
from tests.embedded import operator
from tests.hostile.cases import ATMOS, AUTHOR, NEIGHBOUR, VICTIM
from tests.waiting import eventually

ACCOUNT, AWAY = "111122223333", "444455556666"
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/"
CANARIES: Final = {
    name: f"canary-{name}-Qx7vR2m"
    for name in (
        "parameter",
        "state",
        "by-hand",
        "database",
        "ATMOS_GITHUB_TOKEN",
        "DEPLOY_TOKEN",
        "TENANT",
        "file",
        "git",
    )
}
"""What nobody but its owner may see; values that AWS made come on top."""

PRODUCTION = f"""
vars: {{context_name: app, environment: prod}}
settings: {{secrets_pipeline: {{dialect: tf-atmos}}}}
components:
  terraform:
    kms: {{vars: {{alias: alias/app-prod}}}}
    secretsmanager/a:
      settings: {{secrets_pipeline: {{attach_policies: true}}}}
      vars:
        default_kms_key_id: "${{output.kms.key_arn}}"
        secrets:
          s: {{generate_random_password: true, rotation: {{managed: true, automatically_after_days: 30}}}}
          master: {{generate_random_password: true, engine: postgres, username: owner, type: credentials}}
        consumers:
          worker: {{type: lambda, role_arn: "{ROLE}app-worker", secrets: [s]}}
    rds:
      settings: {{secrets_pipeline: {{create: true}}}}
      vars:
        identifier: app-prod
        engine: postgres
        username: owner
        db_name: orders
        password: "${{output.secretsmanager/a.generated_passwords.master}}"
    lambda/worker:
      settings: {{secrets_pipeline: {{deliver: true}}}}
      vars:
        function_name: app-worker
        environment_variables: {{ARN: "${{output.secretsmanager/a.secret_arns.s}}"}}
"""
CALM = """
vars: {context_name: calm, environment: dev}
settings: {secrets_pipeline: {dialect: tf-atmos}}
components:
  terraform:
    secretsmanager/a:
      vars:
        secrets:
          token: {generate_random_password: true}
          text: {secret_data: {user: calm, token: "${output.secretsmanager/a.secret_values.token}"}}
"""
OTHERS: Final = {VICTIM: PRODUCTION, NEIGHBOUR: CALM}

_TARGETS = {"repository": "acme/infra", "targets": [{"stacks": "*", "account_id": ACCOUNT, "region": "eu-west-2"}]}
_VICTIMS = {"stacks": VICTIM, "functions": "app-worker", "roles": "app-worker"}
SAFE: Final[dict[str, Any]] = {**_TARGETS, "environment_allowed": ["TENANT"], "grants": [_VICTIMS]}
"""The operator's settings: nothing for the author."""
SINGLE_TEAM: Final[dict[str, Any]] = {**SAFE, "grants": [_VICTIMS, {"preset": "single-team"}]}


@dataclass
class Estate:
    """An embedded AWS with what others own.

    Attributes:
        sessions: of the product; shared, since making clients is most of a short run's time.
        session: plain boto3, the independent witness.
    """

    aws: emulator.LocalAws
    session: boto3.Session
    sessions: Sessions

    def away(self) -> boto3.Session:
        """Plain boto3 in the other account."""
        role = f"arn:aws:iam::{AWAY}:role/{emulator.ADMINISTRATOR_ROLE}"
        sts = self.session.client("sts", endpoint_url=self.aws.endpoint_url)
        found = sts.assume_role(RoleArn=role, RoleSessionName="witness")["Credentials"]
        return boto3.Session(
            found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], region_name=self.aws.region
        )

    @staticmethod
    def settle(folder: Path, settings: object, environment: pytest.MonkeyPatch) -> None:
        """Let the operator's settings be these."""
        (folder / "operator.yaml").write_text(json.dumps(settings))
        environment.setenv("SECRETS_PIPELINE_CONFIG", str(folder / "operator.yaml"))


def made(aws: emulator.LocalAws, folder: Path, environment: pytest.MonkeyPatch) -> Estate:
    """Make all of it, once."""
    estate = Estate(aws, operator(aws), Sessions(operator(aws), pacers=lambda *_: Pacer(sleep=lambda _: None)))
    _by_hand(estate)
    for name, text in (("atmos.yaml", ATMOS), *((f"stacks/{name}.yaml", text) for name, text in OTHERS.items())):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    estate.settle(folder, SAFE, environment)
    desired = open_repository(folder)
    assert not desired.errors, desired.errors
    for stack in OTHERS:
        # Databases are made while it waits.
        eventually(partial(_applied, desired, estate, stack))
    emulator.settle(aws)
    return estate


def _applied(desired: OpenRepository, estate: Estate, stack: str) -> bool:
    done = apply_stack(desired.assemble(estate.sessions, writing=True).stack(stack))
    return {type(one) for some in done.values() for one in some} <= {Applied, Unchanged}


def _by_hand(estate: Estate) -> None:
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    stand_in(
        estate.aws,
        [
            StandInRole(f"{ROLE}ops/admin", "ec2.amazonaws.com", {"all": everything}, trust=trust),
            StandInRole(f"{ROLE}payments", "lambda.amazonaws.com", {"own": everything}),
            StandInRole(f"{ROLE}app-worker", "lambda.amazonaws.com"),
            StandInRole(f"{ROLE}evil", "lambda.amazonaws.com", tags={ALLOW_TAG: AUTHOR}),
            StandInRole(f"arn:aws:iam::{AWAY}:role/thief", "ec2.amazonaws.com"),
            StandInFunction("payments", f"{ROLE}payments", invoked_by=("secretsmanager.amazonaws.com",)),
            StandInFunction("app-worker", f"{ROLE}app-worker"),
            StandInFunction("evil", f"{ROLE}evil"),
            StandInService("shop", "orders", "orders", "app", f"{ROLE}payments", f"{ROLE}payments"),
            StandInService("shop", "evil", "evil", "app", f"{ROLE}evil", f"{ROLE}evil"),
            StandInStage("shop-api", "prod"),
        ],
    )
    client = estate.session.client
    functions, services = client("lambda"), client("ecs")
    functions.publish_version(FunctionName="payments")
    functions.create_alias(FunctionName="payments", Name="live", FunctionVersion="1")
    functions.tag_resource(
        Resource=functions.get_function_configuration(FunctionName="evil")["FunctionArn"], Tags={ALLOW_TAG: AUTHOR}
    )
    (service,) = services.describe_services(cluster="shop", services=["evil"])["services"]
    services.tag_resource(resourceArn=service["serviceArn"], tags=[{"key": ALLOW_TAG, "value": AUTHOR}])
    client("secretsmanager").create_secret(Name="payments/prod/key", SecretString=CANARIES["by-hand"])
    for name in ("/other-team/token", "/other-team/key"):
        client("ssm").put_parameter(Name=name, Value=CANARIES["parameter"], Type="SecureString")
    where: Any = {"LocationConstraint": estate.aws.region}
    client("s3").create_bucket(Bucket="other-team-tfstate", CreateBucketConfiguration=where)
    token = {"value": CANARIES["state"], "type": "string", "sensitive": True}
    state = json.dumps({"version": 4, "outputs": {"token": token}})
    client("s3").put_object(Bucket="other-team-tfstate", Key="vpc/prod/terraform.tfstate", Body=state)
    client("rds").create_db_instance(
        DBInstanceIdentifier="victim-db",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        DBName="orders",
        MasterUsername="boss",
        MasterUserPassword=CANARIES["database"],
    )
