"""Read lists page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.client import BaseClient

LARGEST_PAGE: Mapping[str, int] = {
    "batch_get_secret_value": 20,
    "describe_db_clusters": 100,
    "describe_db_instances": 100,
    "list_aliases": 100,
    "list_grants": 100,
    "list_keys": 1000,
    "list_resource_tags": 50,
    "list_secrets": 100,
}
"""Operation → entries that AWS returns at most in one answer, as its API reference says."""


def pages(client: BaseClient, operation: str, **parameters: object) -> Iterator[dict[str, Any]]:
    """Every entry of a list operation, in AWS's order, in as few calls as AWS allows.

    Consume it inside `calling`: the calls are made while it is read.

    Args:
        client: client of the service.
        operation: boto3's name of the operation, for example `list_secrets`.
        parameters: of the operation.
    """
    paginator = client.get_paginator(operation)
    size = LARGEST_PAGE.get(operation)
    result = paginator.paginate(**parameters, PaginationConfig={"PageSize": size} if size else {})
    entries = next(iter(paginator.result_keys or ()))
    for page in result:
        yield from entries.search(page) or ()
