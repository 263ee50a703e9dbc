"""Define what all desired state is made of: frozen models, late values, where a stack lives, which secret is meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

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


class Target(Spec):
    """Where a stack lives.

    Attributes:
        account_id: 12 digits, or None when nobody said.
        region: AWS region name.
        role_arn: role to assume there, or None for the caller's own credentials.
    """

    account_id: str | None = Field(default=None, pattern=r"^\d{12}$")
    region: str
    role_arn: str | None = None


class SecretRef(Spec):
    """One entry of a `secretsmanager` component's `secrets` map, in the same stack."""

    component: str
    key: str

    def __str__(self) -> str:
        return f"{self.component}#{self.key}"
