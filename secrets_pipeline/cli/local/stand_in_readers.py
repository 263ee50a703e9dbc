"""Define the IAM roles of readers, as their teams would have made them, for the embedded AWS. Pure.

Also the role by which an operator looks into another account, and one principal that KMS refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from secrets_pipeline.access.granting.consumer import documents
from secrets_pipeline.access.granting.names import secret_arn_pattern
from secrets_pipeline.access.granting.stack import StackInAws
from secrets_pipeline.arn import account_of, iam_arn
from secrets_pipeline.desired.consumer.model import ConsumerSpec, ReaderType
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.emulator import StandIn, StandInRole, StandInSecret
from secrets_pipeline.emulator.handle.lifecycle import OPERATOR_USER

AUDIT_ROLE: Final = "secrets-audit"
"""What an operator's settings name under `access.accounts`."""
INVENTORY_ROLE: Final = "secrets-inventory"
"""May read every secret as far as Secrets Manager is concerned, and decrypt nothing."""
BY_HAND: Final = "legacy/smtp-password"
"""Shared with readers of other accounts by its policy and by theirs, and yet closed: it is under the default key."""
_READ = "secretsmanager:GetSecretValue"
_VERSION = "2012-10-17"
_SERVICES: Mapping[ReaderType, str] = {
    ReaderType.EC2: "ec2.amazonaws.com",
    ReaderType.LAMBDA: "lambda.amazonaws.com",
    ReaderType.ECS: "ecs-tasks.amazonaws.com",
    ReaderType.EKS: "pods.eks.amazonaws.com",
    ReaderType.APP: "ec2.amazonaws.com",
}


def reader_roles(specs: Iterable[StackSpec], account_id: str) -> Iterator[StandIn]:
    """Yield a role for each principal of a consumer, with what lets it read, unless the pipeline attaches that itself.

    Args:
        specs: desired state.
        account_id: account of stacks that name none, and of the operator.
    """
    known = tuple(specs)
    readers: dict[str, list[tuple[StackSpec, ConsumerSpec]]] = {}
    for spec in known:
        for consumer in spec.consumers:
            for arn in consumer.principals.values():
                readers.setdefault(arn, []).append((spec, consumer))
    for arn, reading in readers.items():
        if ":role/" in arn:
            policies = dict(_policies(arn, reading, account_id))
            service = _SERVICES[reading[0][1].type]
            yield StandInRole(arn, service, policies=policies, trust=_trust(arn, service, account_id))
    if readers:
        yield from _watching({account_of(arn) for arn in readers}, account_id)
    foreign = sorted(arn for arn in readers if account_of(arn) != account_id)
    if foreign:
        shared = {"Sid": "Reports", "Principal": {"AWS": foreign}, "Action": _READ, "Resource": "*"}
        yield StandInSecret(BY_HAND, _policy(shared))


def _policies(
    arn: str, reading: Iterable[tuple[StackSpec, ConsumerSpec]], account_id: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for spec, consumer in reading:
        own = spec.target.account_id or account_id
        found = documents(StackInAws(spec, {}, {}, "aws", own, spec.target.region), consumer)
        foreign = found.handover.get(account_of(arn), {})
        document = foreign.get(arn) or (None if found.attached else found.identity.get(arn))
        if document is not None:
            yield f"read-secrets-of-{spec.stack}", document
        if foreign:
            by_hand = secret_arn_pattern(BY_HAND, partition="aws", region=spec.target.region, account_id=own)
            yield "read-legacy", _policy({"Sid": "Legacy", "Action": _READ, "Resource": by_hand})


def _trust(arn: str, service: str, account_id: str) -> Mapping[str, Any]:
    """Its service, and whoever probes: the operator here, the audit role in another account."""
    owner = account_of(arn)
    prober = f"role/{AUDIT_ROLE}" if owner != account_id else f"user/{OPERATOR_USER}"
    actions = ["sts:AssumeRole", *(["sts:TagSession"] if service == _SERVICES[ReaderType.EKS] else [])]
    return _policy(
        {"Sid": "Run", "Principal": {"Service": service}, "Action": actions},
        {"Sid": "Probe", "Principal": {"AWS": iam_arn(owner, prober)}, "Action": "sts:AssumeRole"},
    )


def _watching(accounts: Iterable[str], account_id: str) -> Iterator[StandInRole]:
    operator = {"Principal": {"AWS": iam_arn(account_id, f"user/{OPERATOR_USER}")}, "Action": "sts:AssumeRole"}
    look = {"Action": ["iam:Get*", "iam:List*", "organizations:Describe*", "organizations:List*"], "Resource": "*"}
    for account in sorted(set(accounts) - {account_id}):
        probe = {"Action": "sts:AssumeRole", "Resource": iam_arn(account, "role/*")}
        yield StandInRole(
            iam_arn(account, f"role/{AUDIT_ROLE}"),
            "ec2.amazonaws.com",
            policies={"audit": _policy({**look, "Sid": "Look"}, {**probe, "Sid": "Probe"})},
            trust=_policy({**operator, "Sid": "Operator"}),
        )
    reading = {"Sid": "Inventory", "Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}
    closed = {"Sid": "NeverDecrypt", "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}
    yield StandInRole(
        iam_arn(account_id, f"role/{INVENTORY_ROLE}"),
        "ec2.amazonaws.com",
        policies={"inventory": _policy(reading, closed)},
        trust=_policy({**operator, "Sid": "Operator"}),
    )


def _policy(*statements: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"Version": _VERSION, "Statement": [{"Effect": "Allow", **one} for one in statements]}
