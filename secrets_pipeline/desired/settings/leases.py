"""Define where a stack's lease is, which one run at a time holds: a part of the operator's settings."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from secrets_pipeline.desired.base import AssumedRole, Target
from secrets_pipeline.desired.limits import REGION


class BucketLeases(AssumedRole):
    """Leases as objects of an S3 bucket, by conditional PutObject; several hosts may share it."""

    bucket: str = Field(min_length=3, description="S3 bucket without versioning: each renewal writes the object again.")
    region: str = Field(pattern=rf"^{REGION.pattern}$", description="AWS region of the bucket.")
    prefix: str = Field(default="", description="Prefix of the objects' keys.")
    seconds: int = Field(
        default=160,
        ge=160,
        le=900,
        description=(
            "Seconds until a lease expires if its run does not renew it. The run stops writing 120 seconds earlier."
        ),
    )
    takeover_delay: int = Field(
        default=300,
        ge=0,
        le=900,
        description=(
            "Seconds after a lease expired until another run may take it over. In that time AWS may "
            "still accept requests that the first run signed but had not sent. 300 suits services that "
            "refuse a signature after five minutes, 900 those that refuse it after fifteen."
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _not_in_dynamodb(cls, value: object) -> object:
        if isinstance(value, dict) and "table" in value:
            problem = (
                "table names a DynamoDB table, but leases are kept in S3 only. Remove table, and name an S3 bucket "
                "without versioning: leases: {bucket: NAME, region: REGION}. Change it while no run applies"
            )
            raise ValueError(problem)
        return value

    @property
    def target(self) -> Target:
        """Where the bucket is, and as whom it is reached."""
        return Target(region=self.region).under(self)


def _kind(value: object) -> str:
    return "bucket" if isinstance(value, dict | BucketLeases) else "local"


LeaseSettings: TypeAlias = Annotated[
    Annotated[Literal["local"], Tag("local")] | Annotated[BucketLeases, Tag("bucket")],
    Discriminator(_kind),
]
"""`local`: a lock file, which only processes of one host see."""
