"""Read AWS's list operations page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.client import BaseClient

LARGEST_PAGE: Mapping[str, int] = {
    "batch_get_secret_value": 20,
    "describe_db_clusters": 100,
    "describe_db_instances": 100,
    "get_account_authorization_details": 1000,
    "list_aliases": 100,
    "list_grants": 100,
    "list_keys": 1000,
    "list_policies_for_target": 20,
    "list_resource_tags": 50,
    "list_secrets": 100,
}
"""Operation → entries that AWS returns at most in one answer, as its API reference says."""


def answers(client: BaseClient, operation: str, **parameters: object) -> Iterator[dict[str, Any]]:
    """Yield every answer of a list operation, one a page, in as few calls as AWS allows.

    Consume it inside `calling`: the calls are made while it is read.

    Args:
        client: client of the service.
        operation: boto3's name of the operation, for example `get_account_authorization_details`.
        parameters: of the operation.
    """
    size = LARGEST_PAGE.get(operation)
    paginator = client.get_paginator(operation)
    yield from paginator.paginate(**parameters, PaginationConfig={"PageSize": size} if size else {})


def pages(client: BaseClient, operation: str, **parameters: object) -> Iterator[dict[str, Any]]:
    """Yield every entry of a list operation, in AWS's order, in as few calls as AWS allows.

    Consume it inside `calling`: the calls are made while it is read.

    Args:
        client: client of the service.
        operation: boto3's name of the operation, for example `list_secrets`.
        parameters: of the operation.
    """
    entries = next(iter(client.get_paginator(operation).result_keys or ()))
    for answer in answers(client, operation, **parameters):
        yield from entries.search(answer) or ()
