"""Define where a stack's lease is, which one run at a time holds: a part of the operator's settings."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from secrets_pipeline.desired.base import AssumedRole, Spec, Target
from secrets_pipeline.desired.limits import REGION


class SharedLeases(AssumedRole):
    """What every store has that several hosts share, and the role to assume there.

    Attributes:
        region: of bucket or table.
        seconds: how long a lease lasts that its run no longer renews, so how long a stack waits after a run died. All
            but 120 of them are the time in which the run has to renew it; see `aws/leases/shared.py`.
    """

    region: str = Field(pattern=rf"^{REGION.pattern}$")
    seconds: int = Field(default=160, ge=160, le=900)

    @property
    def target(self) -> Target:
        """Where the store is, and as whom it is reached."""
        return Target(region=self.region).under(self)


class BucketLeases(SharedLeases):
    """Leases as objects of an S3 bucket, by conditional PutObject.

    Attributes:
        bucket: S3 bucket, without versioning: each renewal writes the object anew.
        prefix: of the objects' keys.
    """

    bucket: str = Field(min_length=3)
    prefix: str = ""


class TableLeases(SharedLeases):
    """Leases as items of a DynamoDB table, by conditional PutItem.

    Attributes:
        table: whose partition key is the string `LockID`, as in tables of Terraform's state locks.
    """

    table: str = Field(min_length=3)


def _kind(value: object) -> str:
    if isinstance(value, dict | Spec):
        return "table" if "table" in dict(value) else "bucket"
    return "local"


LeaseSettings: TypeAlias = Annotated[
    Annotated[Literal["local"], Tag("local")]
    | Annotated[BucketLeases, Tag("bucket")]
    | Annotated[TableLeases, Tag("table")],
    Discriminator(_kind),
]
"""`local`: a lock file, which only processes of one host see."""
