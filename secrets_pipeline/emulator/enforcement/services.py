"""Decide on services whose actions are named as their operations, and whose resources have no policies of their own.

Which resource a call means is not known here. So a call is refused only where no resource could be allowed: no policy
allows the action for anything, or one denies it for everything. That never refuses what AWS would allow.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.access.evaluator import Context
from secrets_pipeline.emulator.enforcement.refusals import refused
from secrets_pipeline.emulator.enforcement.targets import anything

if TYPE_CHECKING:
    from secrets_pipeline.emulator.enforcement.callers import Client

PREFIXES: Mapping[str, str] = {
    "cloudtrail": "cloudtrail",
    "ecs": "ecs",
    "iam": "iam",
    "organizations": "organizations",
    "rds": "rds",
    "ssm": "ssm",
}
"""moto's name of a service to the prefix of its actions."""


def refused_operation(service: str, operation: str, client: Client) -> str | None:
    """AWS's sentence if a client may perform an operation on no resource at all, None if it may on some.

    Args:
        service: one of `PREFIXES`.
        operation: API operation.
        client: with policies read by `loose_policies`.
    """
    return refused(client, f"{PREFIXES[service]}:{operation}", anything(client.account_id), Context())
