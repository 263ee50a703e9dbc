"""List the variables of `kms` components that mean something here.

They are those of Cloud Posse's component, https://github.com/cloudposse/terraform-aws-kms-key.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from secrets_pipeline.desired.base import unlisted
from secrets_pipeline.desired.reading.keys import CommonVariables, Policy, Tags

DELETION_DAYS: Final = (7, 30)
ROTATION_DAYS: Final = (90, 2560)


class KmsVariables(CommonVariables):
    """Variables of a `kms` component that a secret refers to, or that has `create: true`. Others are Terraform's."""

    alias: str | None = Field(
        default=None,
        description="Alias by which the pipeline finds the key, with or without `alias/`.",
        examples=["alias/myapp"],
    )
    alias_name: str | None = unlisted("Same as `alias`.")
    description: str | None = Field(default=None, description="For people; AWS shows it, too.")
    enable_key_rotation: bool = Field(default=True, description="Whether KMS rotates the key's material.")
    rotation_period_in_days: int | None = Field(
        default=None,
        ge=ROTATION_DAYS[0],
        le=ROTATION_DAYS[1],
        description="Days between two rotations of the key's material; by default AWS's 365.",
    )
    deletion_window_in_days: int = Field(
        default=30,
        ge=DELETION_DAYS[0],
        le=DELETION_DAYS[1],
        description="Days in which a deletion of the key can be cancelled.",
    )
    tags: Tags | None = Field(default=None, description="Tags of the key.")
    policy: Policy | None = Field(
        default=None, description="Statements that the key policy has besides that of the account itself."
    )
