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
    """An account whose roles read secrets of other accounts, and how its principals can be looked at."""

    account_id: AccountId = Field(description="Account, as 12 digits in quotes.")
    role_arn: str = Field(
        description="Role there that may read IAM, and may assume the readers' roles for a live probe."
    )


class InOrganization(Spec):
    """A role in the organisation's account, and its external id, as beside any `role_arn`."""

    organization_role_arn: str | None = Field(
        default=None,
        description=(
            "Role in the organisation's management or delegated account that may read its policies; without it, the "
            "stack's own credentials do."
        ),
    )
    organization_external_id: ExternalId | None = Field(
        default=None, description="What that role's trust policy compares with `sts:ExternalId`, where it does."
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
    """What the operator says about readers."""

    allowed_readers: tuple[str, ...] | None = Field(
        default=None,
        description=(
            "Globs on ARNs of roles and users that may read although no stack declares them: break-glass roles, "
            "administrators. While it is not given, administrators are a warning; once it is, if only as `[]`, those "
            "whom it does not name are an error."
        ),
    )
    accounts: tuple[VisibleAccount, ...] = Field(default=(), description="Further accounts that an audit may look at.")
    organization_policies: Literal["unknown", "allow"] = Field(
        default="unknown",
        description=(
            "What stands in for SCPs and RCPs that cannot be read: `unknown`, or `allow` where the operator knows that "
            "they do not stand in the way."
        ),
    )
    organization_id: str | None = Field(
        default=None,
        pattern=rf"^{ORGANIZATION_ID.pattern}$",
        description=(
            "`o-…` that readers in other accounts have to belong to; a stack may only say the same. Without it, the "
            "stacks say it."
        ),
    )
