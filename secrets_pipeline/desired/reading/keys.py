"""List the variables that components of every kind share."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from pydantic import ConfigDict, Field

from secrets_pipeline.desired.base import ManifestMap

Scalar: TypeAlias = str | int | float | bool | None
Tags: TypeAlias = dict[str, Scalar]
"""Numbers and true or false become text, as Terraform makes them."""
Policy: TypeAlias = str | dict[str, Any] | list[dict[str, Any]]
"""A policy document: a map, its statements alone, or JSON text."""


class Switches(ManifestMap):
    """Variables that switch a whole component off."""

    enabled: bool = Field(default=True, description="`false` leaves the whole component out.")
    secrets_enabled: bool = Field(default=True, description="`false` leaves the whole component out.")


SWITCHES: Final = tuple(Switches.model_fields)


class CommonVariables(Switches):
    """Variables of every component of the kinds on this page. Others are Terraform's."""

    model_config = ConfigDict(extra="allow")

    region: str | None = Field(
        default=None,
        description="AWS region of the stack. It must agree with the operator's settings if they name one.",
        examples=["eu-west-2"],
    )
    account_id: str | int | None = Field(
        default=None,
        description="AWS account of the stack, 12 digits in quotes. Credentials of another account stop a run.",
        examples=["111122223333"],
    )
    environment: Any = Field(
        default=None,
        description=(
            "Second part of secrets' names. If it contains the word `prod` or `production`, the stack is production."
        ),
        examples=["dev"],
    )
    stage: Any = Field(
        default=None,
        description="If it contains the word `prod` or `production`, the stack is production.",
        examples=["dev"],
    )
