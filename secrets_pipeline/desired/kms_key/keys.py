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
    """Variables of a `kms` component that a secret refers to, or that says `create: true`; others are Terraform's."""

    alias: str | None = Field(
        default=None,
        description="Alias of the key, with or without `alias/`; it finds the key.",
        examples=["alias/myapp"],
    )
    alias_name: str | None = unlisted("Same as `alias`.")
    description: str | None = Field(default=None, description="For humans; also in AWS.")
    enable_key_rotation: bool = Field(default=True, description="Whether KMS rotates the key's material.")
    rotation_period_in_days: int | None = Field(
        default=None, ge=ROTATION_DAYS[0], le=ROTATION_DAYS[1], description="How often; by default AWS's 365."
    )
    deletion_window_in_days: int = Field(
        default=30,
        ge=DELETION_DAYS[0],
        le=DELETION_DAYS[1],
        description="How long a deletion of the key can be cancelled.",
    )
    tags: Tags | None = Field(default=None, description="Tags of the key.")
    policy: Policy | None = Field(
        default=None, description="Further statements of the key policy, beside that of the account itself."
    )
