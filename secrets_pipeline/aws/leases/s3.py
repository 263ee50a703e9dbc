"""Keep leases as objects of S3: PutObject with `If-None-Match: *`, and with `If-Match` over the object that was read.

S3 answers 412 where the condition does not hold, 409 where another write was under way, and 404 where the object that
was to be matched is gone. Reads see every earlier write.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.leases.record import LeaseRecord, Seen

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_NOT_AS_READ: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404", "409", "412"})


class S3LeaseStore:
    """Objects under a prefix; none is ever deleted, so that s3:DeleteObject is not needed.

    Args:
        client: S3 client of the bucket's region.
        bucket: bucket name.
        prefix: key prefix, with or without a trailing slash.
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.root = f"s3://{bucket}/{self._prefix}"

    def read(self, key: str) -> Seen | None:
        """Read a record (S3 GetObject); see `LeaseStore.read`."""
        with calling("GetObject", f"{self.root}{key}"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}{key}")
            except self._client.exceptions.NoSuchKey:
                return None
            text = answer["Body"].read().decode(errors="replace")
        return Seen(LeaseRecord.parse(text, f"{self.root}{key}"), answer["ETag"], _dated(answer))

    def write(self, key: str, record: LeaseRecord, over: Seen | None) -> Seen | None:
        """Write a record (S3 PutObject) if the object is as it was read; see `LeaseStore.write`."""
        condition: Any = {"IfNoneMatch": "*"} if over is None else {"IfMatch": over.version}
        with calling("PutObject", f"{self.root}{key}"):
            try:
                answer = self._client.put_object(
                    Bucket=self._bucket,
                    Key=f"{self._prefix}{key}",
                    Body=record.text().encode(),
                    ContentType="application/json",
                    **condition,
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _NOT_AS_READ:
                    return None
                raise
        return Seen(record, answer["ETag"], _dated(answer))


def _dated(answer: Mapping[str, Any]) -> datetime | None:
    """When S3 answered, by its own clock, in whole seconds (RFC 9110, 6.6.1); a gateway may leave it out."""
    try:
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    except (KeyError, ValueError):
        return None
