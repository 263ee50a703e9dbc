"""Define what the operator says of readers and of the accounts that they are in: a part of the operator's settings."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from secrets_pipeline.desired.base import AssumedRole, ExternalId, Spec
from secrets_pipeline.desired.limits import ORGANIZATION_ID


def _account_id(value: object) -> object:
    problem = f'YAML made a number of it; put it in quotes: "{value:012d}"' if isinstance(value, int) else ""
    if problem:
        raise ValueError(problem)
    return value


AccountId = Annotated[str, BeforeValidator(_account_id), Field(pattern=r"^[0-9]{12}$")]


class VisibleAccount(AssumedRole):
    """Another account whose roles read secrets, and the role by which audits look at its IAM."""

    account_id: AccountId = Field(description="Account, as 12 digits in quotes.")
    role_arn: str = Field(
        description=("Role in that account that may read IAM, and for `verify --probe` assume the readers' roles.")
    )


class InOrganization(Spec):
    """A role in the organisation's account, and its external id, as beside any `role_arn`."""

    organization_role_arn: str | None = Field(
        default=None,
        description=(
            "Role that may read the organisation's policies, in its management or delegated account; by"
            " default the stack's own credentials."
        ),
    )
    organization_external_id: ExternalId | None = Field(
        default=None, description="Value of `sts:ExternalId`, if that role's trust policy requires one."
    )

    @property
    def organization_role(self) -> AssumedRole:
        """The role, to be assumed."""
        return AssumedRole(role_arn=self.organization_role_arn, external_id=self.organization_external_id)

    # Of a name of its own: pydantic keeps one validator of each name.
    @model_validator(mode="after")
    def _of_an_organization_role(self) -> Self:
        if self.organization_external_id is not None and self.organization_role_arn is None:
            problem = "organization_external_id goes with organization_role_arn: write both"
            raise ValueError(problem)
        return self


class AccessSettings(InOrganization):
    """Who may read secrets although no stack declares it, and what audits may look at."""

    allowed_readers: tuple[str, ...] | None = Field(
        default=None,
        description=(
            "Globs on ARNs of roles and users that may read secrets although no stack declares them, "
            "such as break-glass roles and administrators. If you leave it out, other administrators "
            "are a warning. If you set it, even to `[]`, they are an error."
        ),
    )
    accounts: tuple[VisibleAccount, ...] = Field(default=(), description="Other accounts that audits may look at.")
    organization_policies: Literal["unknown", "allow"] = Field(
        default="unknown",
        description=(
            "How SCPs and RCPs count that the pipeline cannot read: `unknown`, or `allow` if you know "
            "that they deny no reader."
        ),
    )
    organization_id: str | None = Field(
        default=None,
        pattern=rf"^{ORGANIZATION_ID.pattern}$",
        description=(
            "Organisation (`o-…`) that readers in other accounts must belong to. By default each stack "
            "sets its own; if you set it, a stack may only repeat it."
        ),
    )
