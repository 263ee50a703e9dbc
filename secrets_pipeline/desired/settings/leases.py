"""Define where a stack's lease is, which one run at a time holds: a part of the operator's settings."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from secrets_pipeline.desired.base import AssumedRole, Spec, Target
from secrets_pipeline.desired.limits import REGION


class SharedLeases(AssumedRole):
    """What every store has that several hosts share, and the role to assume there."""

    region: str = Field(pattern=rf"^{REGION.pattern}$", description="AWS region of the bucket or table.")
    seconds: int = Field(
        default=160,
        ge=160,
        le=900,
        description=(
            "How long a lease lasts that its run no longer renews, so how long a stack waits after a run died. All but "
            "120 of them are the time in which the run has to renew it."
        ),
    )

    @property
    def target(self) -> Target:
        """Where the store is, and as whom it is reached."""
        return Target(region=self.region).under(self)


class BucketLeases(SharedLeases):
    """Leases as objects of an S3 bucket, by conditional PutObject."""

    bucket: str = Field(min_length=3, description="S3 bucket, without versioning: each renewal writes the object anew.")
    prefix: str = Field(default="", description="Prefix of the objects' keys.")


class TableLeases(SharedLeases):
    """Leases as items of a DynamoDB table, by conditional PutItem."""

    table: str = Field(
        min_length=3,
        description="DynamoDB table; its partition key is the string `LockID`, as in Terraform's tables of locks.",
    )


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
