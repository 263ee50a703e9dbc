"""Tell which environment variables YAML may read, and which of them may be shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator, Field

from secrets_pipeline.desired.base import Spec


class AllowedVariable(Spec):
    """A variable of the pipeline's environment that YAML may read."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Name of the variable.")
    secret: bool = Field(
        default=True,
        description=(
            "`true` if the value may stand only inside a secret's value; `false` if it may stand "
            "anywhere, such as in names, templates and descriptions."
        ),
    )


def _named(entries: object) -> object:
    """Entries that are a name alone as what they stand for."""
    if not isinstance(entries, list | tuple):
        return entries
    return [{"name": one} if isinstance(one, str) else one for one in entries]


AllowedVariables = Annotated[tuple[AllowedVariable, ...], BeforeValidator(_named)]


def plain_names(variables: Iterable[AllowedVariable]) -> frozenset[str]:
    """Names of the variables that may be shown; one that is secret in any entry is not."""
    variables = tuple(variables)
    return frozenset(one.name for one in variables) - frozenset(one.name for one in variables if one.secret)
