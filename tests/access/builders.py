"""Snapshots of a small world: a role that reads a secret under a key, inside an organisation of two accounts.

A test takes the world that works and breaks one thing in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from secrets_pipeline.access.evaluator import Layer
from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.access.reach.reader import ReadVerdict
from secrets_pipeline.access.snapshot.model import (
    AccountSnapshot,
    GrantSnapshot,
    GroupSnapshot,
    KeySnapshot,
    NamedPolicy,
    OrganizationSnapshot,
    PrincipalSnapshot,
    SecretSnapshot,
    Snapshot,
)

HOME, AWAY, MANAGEMENT, ELSEWHERE = "111122223333", "444455556666", "999988887777", "777788889999"
REGION = "eu-west-2"
ORGANIZATION = "o-exampleorg"
ROLE = f"arn:aws:iam::{HOME}:role/orders"
FOREIGN = f"arn:aws:iam::{AWAY}:role/reports"
BOUNDARY = f"arn:aws:iam::{HOME}:policy/boundary"
NAME, OTHER_NAME = "shop/dev/db", "shop/dev/api"
KEY = f"arn:aws:kms:{REGION}:{HOME}:key/11111111-1111-1111-1111-111111111111"
OTHER_KEY = f"arn:aws:kms:{REGION}:{HOME}:key/22222222-2222-2222-2222-222222222222"
DEFAULT = f"arn:aws:kms:{REGION}:{HOME}:key/00000000-0000-0000-0000-000000000000"
READ, DECRYPT = "secretsmanager:GetSecretValue", "kms:Decrypt"
VIA = {"StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}}
MOMENT = datetime(2026, 11, 25, 12, tzinfo=UTC)

Statement: TypeAlias = dict[str, Any]
Document: TypeAlias = dict[str, Any]
Decided: TypeAlias = tuple[str, Layer, str, str]
"""Verdict, layer, policy and statement."""


def secret_arn(name: str = NAME) -> str:
    """The complete ARN of a secret of the world."""
    return f"arn:aws:secretsmanager:{REGION}:{HOME}:secret:{name}-AbCdEf"


def allow(action: str = READ, *, sid: str = "", **more: object) -> Statement:
    """An Allow; `principal=` is an ARN, an account or `*`."""
    return _statement("Allow", action, sid, more)


def deny(action: str = READ, *, sid: str = "", **more: object) -> Statement:
    """A Deny."""
    return _statement("Deny", action, sid, more)


def _statement(effect: str, action: str, sid: str, more: Mapping[str, Any]) -> Statement:
    statement: Statement = {"Effect": effect, "Action": action, "Resource": more.get("resource", "*")}
    if sid:
        statement["Sid"] = sid
    if "principal" in more:
        whom = more["principal"]
        statement["Principal"] = whom if whom == "*" or isinstance(whom, dict) else {"AWS": whom}
    if "condition" in more:
        statement["Condition"] = more["condition"]
    return statement


def document(*statements: Statement) -> Document:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def when(operator: str, key: str, value: object) -> dict[str, Any]:
    """A condition of one key."""
    return {operator: {key: value}}


READS = document(allow(sid="Read", resource="*"), allow(DECRYPT, sid="Decrypt", condition=VIA))
DELEGATES = document(allow("kms:*", sid="Root", principal=f"arn:aws:iam::{HOME}:root"))
"""A key policy that leaves it to the account's own policies."""
FULL = NamedPolicy(name="FullAWSAccess", document=document(allow("*")))
RCP_FULL = NamedPolicy(name="RCPFullAWSAccess", document=document(allow("*", principal="*")))
Levels: TypeAlias = tuple[tuple[NamedPolicy, ...], ...]


@dataclass
class World:
    """Everything of a snapshot, to be changed by a test.

    Attributes:
        unread: account → why it could not be read.
        scps: account → its levels, from the root down.
    """

    principals: dict[str, PrincipalSnapshot] = field(default_factory=dict)
    groups: dict[str, GroupSnapshot] = field(default_factory=dict)
    managed: dict[str, Document] = field(default_factory=dict)
    secrets: dict[str, SecretSnapshot] = field(default_factory=dict)
    keys: dict[str, KeySnapshot] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    scps: dict[str, Levels] = field(default_factory=dict)
    rcps: dict[str, Levels] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    organization_id: str | None = ORGANIZATION
    organization_unread: str = ""
    caller_arn: str = f"arn:aws:sts::{HOME}:assumed-role/secrets-pipeline/run"

    def role(self, arn: str = ROLE, *statements: Statement, **more: object) -> None:
        """Put a role there with these statements as its inline policy `own`."""
        self._principal(arn, "role", statements, more)

    def user(self, arn: str, *statements: Statement, **more: object) -> None:
        """Put a user there."""
        self._principal(arn, "user", statements, more)

    def _principal(
        self, arn: str, kind: Literal["role", "user"], statements: tuple[Statement, ...], more: Mapping[str, Any]
    ) -> None:
        inline = {"own": document(*statements)} if statements else {}
        self.principals[arn] = PrincipalSnapshot(arn=arn, kind=kind, **{"inline": inline, **more})

    def bound(self, *statements: Statement) -> None:
        """Put a permissions boundary on the role."""
        self.managed[BOUNDARY] = document(*statements)
        self.principals[ROLE] = self.principals[ROLE].model_copy(update={"boundary": BOUNDARY})

    def secret(self, name: str = NAME, **more: object) -> None:
        """Put a secret there; under the world's key if nothing else is said."""
        self.secrets[name] = SecretSnapshot(arn=secret_arn(name), name=name, **{"keys": (KEY,), **more})

    def secret_policy(self, *statements: Statement) -> None:
        """Put a policy on the secret."""
        self.secret(NAME, policy=document(*statements))

    def key(self, arn: str = KEY, *statements: Statement, **more: object) -> None:
        """Put a key there with these statements as its policy; without, it delegates to the account."""
        policy = document(*statements) if statements else DELEGATES
        self.keys[arn] = KeySnapshot(arn=arn, **{"policy": policy, **more})

    def grant(self, grantee: str = ROLE, **more: object) -> None:
        """Put a grant of Decrypt on the key."""
        grant = GrantSnapshot(grant_id="abc", grantee=grantee, operations=("Decrypt",), **more)
        self.keys[KEY] = self.keys[KEY].model_copy(update={"grants": (grant,)})

    @property
    def snapshot(self) -> Snapshot:
        """It, as a snapshot."""
        members = {HOME, AWAY} | {arn.split(":")[4] for arn in self.principals}
        return Snapshot(
            taken_at=MOMENT,
            account_id=HOME,
            region=REGION,
            partition="aws",
            caller_arn=self.caller_arn,
            organization=OrganizationSnapshot(
                id=self.organization_id,
                management_account=MANAGEMENT if self.organization_id else None,
                paths=self.paths,
                scps=self.scps,
                rcps=self.rcps,
                unread=self.organization_unread,
            ),
            accounts={one: self._account(one) for one in sorted(members)},
            secrets=tuple(self.secrets.values()),
            keys=self.keys,
        )

    def _account(self, account_id: str) -> AccountSnapshot:
        if account_id in self.unread:
            return AccountSnapshot(account_id=account_id, unread=self.unread[account_id])
        own = tuple(one for arn, one in self.principals.items() if arn.split(":")[4] == account_id)
        return AccountSnapshot(account_id=account_id, principals=own, groups=self.groups, managed=self.managed)

    def estate(self, organization_policies: Literal["unknown", "allow"] = "unknown") -> CompiledSnapshot:
        """It, ready for the evaluator."""
        return CompiledSnapshot(self.snapshot, organization_policies=organization_policies)

    def read(
        self,
        arn: str = ROLE,
        name: str = NAME,
        *,
        organization_policies: Literal["unknown", "allow"] = "unknown",
    ) -> ReadVerdict:
        """Whether a principal can read a secret."""
        estate = self.estate(organization_policies)
        secret = estate.secret(name)
        assert secret is not None, f"the world has no secret {name}"
        return estate.reader(arn).read(secret)

    def decided(self, arn: str = ROLE, name: str = NAME) -> Decided:
        """The verdict with what decides it."""
        return decided(self.read(arn, name))


def decided(verdict: ReadVerdict) -> Decided:
    """A verdict with what decides it: its type, then layer, policy and statement."""
    return type(verdict).__name__, verdict.vote.layer, verdict.vote.policy, verdict.vote.statement


def reason(verdict: ReadVerdict) -> str:
    """Why; empty for a verdict that needs none."""
    return str(getattr(verdict, "reason", ""))


def world() -> World:
    """One role of the account that can read one secret by its identity policy, through a key that delegates."""
    made = World()
    made.role(ROLE, *READS["Statement"])
    made.secret()
    made.key()
    made.scps = {HOME: ((FULL,), (FULL,)), AWAY: ((FULL,), (FULL,))}
    made.rcps = {HOME: ((RCP_FULL,), (RCP_FULL,))}
    made.paths = {HOME: f"{ORGANIZATION}/r-ab12/ou-ab12-1/", AWAY: f"{ORGANIZATION}/r-ab12/ou-ab12-2/"}
    return made


def foreign_world() -> World:
    """The same, and a role of another account with all three: the secret's policy, the key's, and its own."""
    made = world()
    made.role(FOREIGN, *READS["Statement"])
    made.secret_policy(allow(sid="Readers", principal=FOREIGN))
    made.key(KEY, *DELEGATES["Statement"], allow(DECRYPT, sid="KeyReaders", principal=FOREIGN, condition=VIA))
    return made
