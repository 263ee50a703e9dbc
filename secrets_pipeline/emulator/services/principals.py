"""Refuse principals that do not exist, or were made a moment ago, and name deleted ones by their unique ids.

Whoever is made anew under the name of a deleted role is somebody else to the policies that named it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids and, of resources'
policies, https://github.com/hashicorp/terraform-provider-aws/issues/29496 (Secrets Manager),
https://github.com/terraform-aws-modules/terraform-aws-kms/pull/18 (KMS)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.secretsmanager.models import secretsmanager_backends

from secrets_pipeline.emulator.control.delays import PRINCIPAL
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services.documents import principals

_ARN = re.compile(
    r"arn:(?P<partition>[\w-]+):(?:iam|sts)::(?P<account>\d{12}):(?P<kind>role|user|assumed-role)/(?P<name>.+)"
)


def require_visible(statements: Iterable[Mapping[str, Any]], refusal: str) -> None:
    """Refuse a policy with a role or user that nobody can see yet, if that is asked for.

    Args:
        statements: of the policy.
        refusal: the service's sentence for it.

    Raises:
        Fault: MalformedPolicyDocumentException.
    """
    if not PACE.now.knows(PRINCIPAL):
        return
    for statement in statements:
        for principal in principals(statement):
            named = _ARN.fullmatch(principal)
            if named and not any(_is_visible(principal, made) for made in _made(**named.groupdict())):
                raise Fault("MalformedPolicyDocumentException", refusal)


def _is_visible(principal: str, made: datetime) -> bool:
    return PACE.is_over(PRINCIPAL, principal, made.replace(tzinfo=UTC).timestamp())


def _made(partition: str, account: str, kind: str, name: str) -> Iterator[datetime]:
    """When the role or user was made; nothing if there is none."""
    iam = iam_backends[account][partition]
    entities: Mapping[str, Any] = iam.users if kind == "user" else iam.roles
    for entity in list(entities.values()):
        if kind == "assumed-role":
            found = entity.name == name.partition("/")[0]
        else:
            found = entity.arn.endswith(f":{kind}/{name}")
        if found:
            yield entity.create_date


def forget(arn: str, unique_id: str) -> None:
    """Rewrite the policies of secrets and keys, and the trust policies, of every account.

    Args:
        arn: of the deleted role or user.
        unique_id: its own.
    """
    for holder, name in _holders():
        policy = getattr(holder, name)
        if policy and arn in policy:
            setattr(holder, name, _renamed(policy, arn, unique_id))


def _holders() -> Iterator[tuple[Any, str]]:
    """What holds a policy, and in which attribute."""
    for backend in _existing(secretsmanager_backends):
        yield from ((secret, "policy") for secret in backend.store.all())
    for backend in _existing(kms_backends):
        yield from ((key, "policy") for key in list(backend.keys.values()))
    for backend in _existing(iam_backends):
        yield from ((role, "assume_role_policy_document") for role in list(backend.roles.values()))


def _existing(backends: Any) -> Iterator[Any]:  # noqa: ANN401 - moto's, of every service
    for of_account in list(backends.values()):
        yield from list(of_account.values())


def _renamed(policy: str, arn: str, unique_id: str) -> str:
    document = json.loads(policy)
    found = document["Statement"]
    for statement in [found] if isinstance(found, dict) else found:
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element)
            if isinstance(named, Mapping) and arn in principals({"Principal": named}):
                others = [unique_id if one == arn else one for one in principals({"Principal": named})]
                statement[element] = {**named, "AWS": others[0] if isinstance(named["AWS"], str) else others}
    return json.dumps(document)
