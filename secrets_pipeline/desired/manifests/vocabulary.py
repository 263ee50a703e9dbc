"""List everything that stack manifests may say to this project, for its JSON Schema and its reference page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from pydantic import BaseModel

from secrets_pipeline.desired.atmos_secrets.declarations import DeclarationEntry
from secrets_pipeline.desired.consumer.keys import ApigatewayVariables, EcsVariables, LambdaVariables
from secrets_pipeline.desired.database.keys import RdsVariables
from secrets_pipeline.desired.kms_key.keys import KmsVariables
from secrets_pipeline.desired.manifests.stack_settings import StackSettings
from secrets_pipeline.desired.secret.keys import SecretsmanagerVariables

VARIABLES: Final[Mapping[str, type[BaseModel]]] = {
    "secretsmanager": SecretsmanagerVariables,
    "kms": KmsVariables,
    "rds": RdsVariables,
    "lambda": LambdaVariables,
    "ecs": EcsVariables,
    "apigateway": ApigatewayVariables,
}
"""Kind of component → the variables of such a component that mean something here."""


class Place(NamedTuple):
    """A place in manifests.

    Attributes:
        path: as it is written in prose, in Markdown.
        model: whose fields are the keys there, each with type, bounds and description; None means not said.
    """

    path: str
    model: type[BaseModel]


def places() -> tuple[Place, ...]:
    """Every place in manifests that is read; maps inside of one are models of its fields."""
    return (
        Place("`settings.secrets_pipeline`", StackSettings),
        *(Place(f"`vars` of `{kind}` components", model) for kind, model in VARIABLES.items()),
        Place("`secrets.vars`, each entry", DeclarationEntry),
    )
