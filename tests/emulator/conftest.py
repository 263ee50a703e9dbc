"""Plain boto3 is the client of the embedded AWS."""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.emulator import LocalAws, StandInRole, stand_in
from tests.embedded import operator
from tests.waiting import SECONDS

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

_names = itertools.count()


@dataclass(frozen=True)
class Clients:
    """boto3 clients of one account and region."""

    session: boto3.Session
    endpoint_url: str

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        return self.session.client("secretsmanager", endpoint_url=self.endpoint_url)

    @cached_property
    def kms(self) -> KMSClient:
        return self.session.client("kms", endpoint_url=self.endpoint_url)

    @cached_property
    def ec2(self) -> EC2Client:
        return self.session.client("ec2", endpoint_url=self.endpoint_url)

    @cached_property
    def rds(self) -> RDSClient:
        return self.session.client("rds", endpoint_url=self.endpoint_url)

    @cached_property
    def functions(self) -> LambdaClient:
        return self.session.client("lambda", endpoint_url=self.endpoint_url)

    @cached_property
    def iam(self) -> IAMClient:
        return self.session.client("iam", endpoint_url=self.endpoint_url)

    @cached_property
    def ecs(self) -> ECSClient:
        return self.session.client("ecs", endpoint_url=self.endpoint_url)

    @cached_property
    def apigateway(self) -> APIGatewayClient:
        return self.session.client("apigateway", endpoint_url=self.endpoint_url)

    @cached_property
    def ssm(self) -> SSMClient:
        return self.session.client("ssm", endpoint_url=self.endpoint_url)

    @cached_property
    def sts(self) -> STSClient:
        return self.session.client("sts", endpoint_url=self.endpoint_url)

    @cached_property
    def organizations(self) -> OrganizationsClient:
        return self.session.client("organizations", endpoint_url=self.endpoint_url)

    def in_account(self, account_id: str) -> Clients:
        """The same for a role assumed in another account."""
        issued = self.sts.assume_role(
            RoleArn=f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole", RoleSessionName="test"
        )
        keys = issued["Credentials"]
        other = boto3.Session(
            keys["AccessKeyId"],
            keys["SecretAccessKey"],
            keys["SessionToken"],
            region_name=self.session.region_name,
        )
        return Clients(other, self.endpoint_url)


@pytest.fixture(scope="module")
def clients(aws: LocalAws) -> Clients:
    return Clients(operator(aws), aws.endpoint_url)


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"test-{next(_names)}/database/password"


ROTATION_ROLE = "arn:aws:iam::111122223333:role/rotation"
ROTATES: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
            "Resource": "*",
        },
        {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
    ],
}


@pytest.fixture
def make_function(aws: LocalAws, clients: Clients, name: str) -> Callable[..., str]:
    def make(mode: str = "", *, permitted: bool = True) -> str:
        stand_in(aws, [StandInRole(ROTATION_ROLE, "lambda.amazonaws.com", {"rotate": ROTATES})])
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.write(Path(__file__).with_name("rotation_function.py"), "rotation_function.py")
        made = clients.functions.create_function(
            FunctionName=name.split("/", 1)[0],
            Role=ROTATION_ROLE,
            Runtime="python3.12",
            Handler="rotation_function.handler",
            Timeout=SECONDS,
            Code={"ZipFile": buffer.getvalue()},
            Environment={"Variables": {"MODE": mode}},
        )
        if permitted:
            clients.functions.add_permission(
                FunctionName=made["FunctionName"],
                StatementId="secretsmanager",
                Action="lambda:InvokeFunction",
                Principal="secretsmanager.amazonaws.com",
                SourceAccount="111122223333",
            )
        return made["FunctionArn"]

    return make


Refused = Callable[[str], AbstractContextManager[pytest.ExceptionInfo[ClientError]]]


@pytest.fixture
def refused() -> Refused:
    """Expect an AWS error by its code."""
    return lambda code: pytest.RaisesExc(ClientError, check=lambda error: error.response["Error"]["Code"] == code)
