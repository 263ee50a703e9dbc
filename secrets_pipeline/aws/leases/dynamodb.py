"""Keep leases as items of DynamoDB: PutItem with a condition on the item that was read; reads are strongly consistent.

Sources: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html,
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
and https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.leases.record import LeaseRecord, Seen

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KEY: Final = "LockID"
_PREFIX: Final = "secrets-pipeline/"
"""Others, Terraform for one, may keep locks in the same table."""


class DynamoDBLeaseStore:
    """Items of a table; none is ever deleted.

    Args:
        client: DynamoDB client of the table's region.
        table: its name; its partition key is the string `LockID`.
    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self.root = f"dynamodb://{table}/{_PREFIX}"

    def read(self, key: str) -> Seen | None:
        """Read a record (DynamoDB GetItem, strongly consistent); see `LeaseStore.read`."""
        with calling("GetItem", f"{self.root}{key}"):
            answer = self._client.get_item(TableName=self._table, Key=_named(key), ConsistentRead=True)
        if "Item" not in answer:
            return None
        return _seen(LeaseRecord.parse(answer["Item"].get("Lease", {}).get("S", ""), f"{self.root}{key}"))

    def write(self, key: str, record: LeaseRecord, over: Seen | None) -> Seen | None:
        """Write a record (DynamoDB PutItem) if the item is as it was read; see `LeaseStore.write`."""
        condition: Any = {"ConditionExpression": f"attribute_not_exists({KEY})"}
        if over is not None:
            condition = {
                "ConditionExpression": "LeaseVersion = :read",
                "ExpressionAttributeValues": {":read": {"S": over.version}},
            }
        written = _seen(record)
        item: Any = {**_named(key), "Lease": {"S": record.text()}, "LeaseVersion": {"S": written.version}}
        with calling("PutItem", f"{self.root}{key}"):
            try:
                self._client.put_item(TableName=self._table, Item=item, **condition)
            except self._client.exceptions.ConditionalCheckFailedException:
                return None
        return written


def _named(key: str) -> dict[str, dict[str, str]]:
    return {KEY: {"S": f"{_PREFIX}{key}"}}


def _seen(record: LeaseRecord) -> Seen:
    return Seen(record, f"{record.token}:{record.beat}")
