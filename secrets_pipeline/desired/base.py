"""Define what all desired state is made of: frozen models, maps of manifests, late values, where a stack lives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from secrets_pipeline.golang.values import Value
from secrets_pipeline.references.model import Expression, Output

LateExpression: TypeAlias = Annotated[Expression, PlainSerializer(str, return_type=str)]
LateOutput: TypeAlias = Annotated[Output, PlainSerializer(str, return_type=str)]
Late: TypeAlias = str | LateExpression
"""A string that is known now, or an expression that AWS answers later."""

DocumentTree: TypeAlias = Any
"""A JSON-shaped tree whose leaves may be `Expression`."""


def plain_document(document: Value) -> Value:
    """A tree in which every expression is its text, for serialisation."""
    if isinstance(document, Mapping):
        return {str(key): plain_document(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [plain_document(value) for value in document]
    return str(document) if isinstance(document, Expression) else document


class Spec(BaseModel):
    """Base of all desired state: frozen, nothing undeclared."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class ManifestMap(BaseModel):
    """A map in a manifest, a field for each key that its reader knows; None for what it does not say.

    It describes, and holds no value: readers go key by key, since each mistake has a place of its own.
    """

    model_config = ConfigDict(extra="forbid", defer_build=True)


def unlisted(description: str, *, ge: int | None = None, le: int | None = None) -> Any:  # noqa: ANN401 - as pydantic's Field
    """Declare a key that is read, but that neither the reference lists nor an editor proposes.

    `deprecated` is JSON Schema's word for it; language servers do not propose keys with `doNotSuggest`:
    https://github.com/microsoft/vscode-json-languageservice/blob/main/src/jsonSchema.ts

    Args:
        description: what it means, such as "Same as `alias`.".
        ge: least of a number; None for none.
        le: most of a number; None for none.
    """
    return Field(
        default=None, description=description, deprecated=True, json_schema_extra={"doNotSuggest": True}, ge=ge, le=le
    )


ExternalId: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+=,.@:/-]+$", min_length=2, max_length=1224)]
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""


class AssumedRole(Spec):
    """A role that the pipeline assumes (STS AssumeRole), and the external id that its trust policy may require.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
    """

    role_arn: str | None = Field(
        default=None, description="Role to assume. By default the pipeline uses its own credentials."
    )
    external_id: ExternalId | None = Field(
        default=None, description="Value of `sts:ExternalId`, if the role's trust policy requires one."
    )

    @model_validator(mode="after")
    def _of_a_role(self) -> Self:
        if self.external_id is not None and self.role_arn is None:
            problem = "external_id goes with role_arn: write both"
            raise ValueError(problem)
        return self


class Target(AssumedRole):
    """Where a stack lives, and as whom it is reached.

    Attributes:
        account_id: 12 digits, or None when nobody said.
        region: AWS region name.
    """

    account_id: str | None = Field(default=None, pattern=r"^[0-9]{12}$")
    region: str

    def under(self, role: AssumedRole) -> Target:
        """The same place, reached under another role."""
        return self.model_copy(update={"role_arn": role.role_arn, "external_id": role.external_id})


class SecretRef(Spec):
    """One entry of a `secretsmanager` component's `secrets` map, in the same stack."""

    component: str
    key: str

    def __str__(self) -> str:
        return f"{self.component}#{self.key}"
