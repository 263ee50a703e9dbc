"""Refuse principals of resource policies that do not exist, or were made a moment ago.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import iam_backends

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
