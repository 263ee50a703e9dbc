"""An empty AWS for every test, and the product's sessions in it, which refuse to write."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from secrets_pipeline.access.snapshot.collect import take_snapshot
from secrets_pipeline.access.snapshot.model import AccountSnapshot, SecretSnapshot, Snapshot
from secrets_pipeline.aws.pacer import Pacer
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.access import AccessSettings, VisibleAccount
from secrets_pipeline.emulator import (
    FaultAction,
    InjectedFault,
    LocalAws,
    arm,
    calls,
    empty,
    reset_calls,
    reset_conditions,
)
from secrets_pipeline.emulator.handle.lifecycle import ADMINISTRATOR_ROLE
from tests.embedded import lead_to, operator

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

REGION = "eu-west-2"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CANARY = "canary-9f3b1c77-value"


def policy(action: str = "secretsmanager:GetSecretValue", **more: object) -> dict[str, Any]:
    """A policy of one statement."""
    statement = {"Effect": "Allow", "Action": action, "Resource": "*", **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def trust(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


class Clients:
    """Plain boto3 clients of one account."""

    def __init__(self, session: boto3.Session, endpoint_url: str) -> None:
        self._session = session
        self._endpoint_url = endpoint_url

    def client(self, service: str) -> Any:  # noqa: ANN401 - any client
        make: Any = self._session.client
        return make(service, endpoint_url=self._endpoint_url)

    @property
    def iam(self) -> IAMClient:
        client: IAMClient = self.client("iam")
        return client

    @property
    def kms(self) -> KMSClient:
        client: KMSClient = self.client("kms")
        return client

    @property
    def secrets(self) -> SecretsManagerClient:
        client: SecretsManagerClient = self.client("secretsmanager")
        return client

    @property
    def organizations(self) -> OrganizationsClient:
        client: OrganizationsClient = self.client("organizations")
        return client

    def in_account(self, account_id: str) -> Clients:
        """The same for an administrator of another account."""
        issued = self.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{account_id}:role/{ADMINISTRATOR_ROLE}", RoleSessionName="test"
        )["Credentials"]
        session = boto3.Session(
            issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"], region_name=REGION
        )
        return Clients(session, self._endpoint_url)

    def role(self, name: str, service: str = "lambda.amazonaws.com", **more: Any) -> str:  # noqa: ANN401 - as boto3 has it
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust(service)), **more)
        return made["Role"]["Arn"]

    def auditor(self, trusted: str) -> str:
        """A role that another account may look around with.

        Args:
            trusted: id of that account.
        """
        statement = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        made = self.iam.create_role(RoleName="Auditor", AssumeRolePolicyDocument=document)
        self.iam.attach_role_policy(RoleName="Auditor", PolicyArn="arn:aws:iam::aws:policy/SecurityAudit")
        return made["Role"]["Arn"]


class World(Clients):
    """The account whose snapshots are taken."""

    def __init__(self, aws: LocalAws) -> None:
        session = operator(aws)
        super().__init__(session, aws.endpoint_url)
        self.aws = aws
        self.account_id = aws.account_id
        self._base = session

    def sessions(self, pacer: Pacer | None = None) -> Sessions:
        chosen = pacer or Pacer(sleep=lambda _seconds: None)
        return Sessions(self._base, read_only=True, pacers=lambda _account, _region: chosen)

    def account(self, sessions: Sessions) -> AwsAccount:
        return sessions.for_target(Target(region=REGION))

    def snapshot(
        self,
        *,
        accounts: Collection[str] = (),
        named: Mapping[str, str] | None = None,
        organization_role_arn: str | None = None,
        pacer: Pacer | None = None,
    ) -> Snapshot:
        """Take one.

        Args:
            named: account → role that the operator names for it.
            pacer: of every account; None waits for nothing.
        """
        sessions = self.sessions(pacer)
        visible = tuple(VisibleAccount(account_id=one, role_arn=role) for one, role in (named or {}).items())
        return take_snapshot(
            self.account(sessions),
            settings=AccessSettings(accounts=visible, organization_role_arn=organization_role_arn),
            sessions=sessions,
            accounts=accounts,
            now=NOW,
        )

    def secret(self) -> SecretSnapshot:
        """The only secret of a snapshot."""
        (secret,) = self.snapshot().secrets
        return secret

    def own(self) -> AccountSnapshot:
        """The account's own principals."""
        return self.snapshot().accounts[self.account_id]

    def deny(self, service: str, *operations: str) -> None:
        """Refuse the next call of each operation."""
        arm(self.aws, *(InjectedFault(FaultAction.DENY, service=service, operation=one) for one in operations))

    def counted(self, **options: Any) -> Counter[str]:  # noqa: ANN401 - as `snapshot` has them
        """API operation → calls of one snapshot."""
        reset_calls(self.aws)
        self.snapshot(**options)
        counted: Counter[str] = Counter()
        for call in calls(self.aws):
            counted[call.operation] += call.count
        return counted


@pytest.fixture
def world(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> World:
    lead_to(aws, monkeypatch)
    empty(aws)
    reset_conditions(aws)
    return World(aws)


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return None\n")
    return buffer.getvalue()
