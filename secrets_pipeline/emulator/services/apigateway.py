"""API Gateway (REST) as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- Stage variables take names of `[A-Za-z0-9_]` and values of `[A-Za-z0-9-._~:/?#&=,]`, so some ARNs do not fit.
  https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html
- A stage without variables shows none.
- A stage has `createdDate` and `lastUpdatedDate`, and keeps its settings when another deployment is made to it.
  https://docs.aws.amazon.com/apigateway/latest/api/API_Stage.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from moto.apigateway import models as moto_models
from moto.apigateway.exceptions import BadRequestException
from moto.apigateway.models import APIGatewayBackend, Deployment, Stage, apigateway_backends

from secrets_pipeline.emulator.core.clock import CLOCK

_NAME = re.compile(r"[A-Za-z0-9_]+")
_VALUE = re.compile(r"[A-Za-z0-9\-._~:/?#&=,]+")


class DatedStage(Stage):
    """A stage that knows when it changed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - moto's
        super().__init__(*args, **kwargs)
        self.created = self.updated = CLOCK.now()

    def to_json(self) -> dict[str, Any]:
        """A Stage with its dates, in epoch seconds; without variables if it has none."""
        shown = {name: one for name, one in super().to_json().items() if name != "variables" or one}
        return {**shown, "createdDate": self.created, "lastUpdatedDate": self.updated}

    def apply_operations(self, patch_operations: list[dict[str, Any]]) -> Stage:
        """Patch the stage."""
        self.updated = CLOCK.now()
        return super().apply_operations(patch_operations)


class EmulatedApiGatewayBackend(APIGatewayBackend):
    """Stages whose variables AWS would take."""

    SERVICE_NAMESPACE = "apigateway"

    def create_stage(self, function_id: str, stage_name: str, *args: Any, **kwargs: Any) -> Stage:  # noqa: ANN401 - moto's
        """Create a stage.

        Raises:
            BadRequestException: a variable that AWS refuses.
        """
        _check(kwargs.get("variables") or {})
        return super().create_stage(function_id, stage_name, *args, **kwargs)

    def create_deployment(
        self,
        function_id: str,
        name: str,
        description: str = "",
        stage_variables: Any = None,  # noqa: ANN401 - moto's
    ) -> Deployment:
        """Create a deployment and perhaps its stage.

        Raises:
            BadRequestException: a variable that AWS refuses.
        """
        _check(stage_variables or {})
        stage = self.get_rest_api(function_id).stages.get(name) if name else None
        if stage is None:
            return super().create_deployment(function_id, name, description, stage_variables)
        deployment = super().create_deployment(function_id, "", description)
        deployment.stage_name = name
        stage.apply_operations([{"op": "replace", "path": "/deploymentId", "value": deployment.id}])
        stage.variables |= stage_variables or {}
        return deployment

    def update_stage(self, function_id: str, stage_name: str, patch_operations: Sequence[Mapping[str, str]]) -> Stage:
        """Patch a stage.

        Raises:
            BadRequestException: a variable that AWS refuses.
        """
        patched = [one for one in patch_operations if one["path"].startswith("/variables/") and one["op"] != "remove"]
        _check({one["path"].removeprefix("/variables/"): one.get("value", "") for one in patched})
        return super().update_stage(function_id, stage_name, patch_operations)


def _check(variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        if not _NAME.fullmatch(name):
            raise BadRequestException(
                "Stage variable names must consist of alphanumeric characters and underscores: " + name
            )
        if not _VALUE.fullmatch(value):
            raise BadRequestException(
                f"Stage variable value for {name} is invalid. Please use values with alphanumeric characters and the "
                "symbols - . _ ~ : / ? # & = ,"
            )


def install() -> None:
    """Put this backend in the place of moto's."""
    apigateway_backends.backend = EmulatedApiGatewayBackend
    moto_models.Stage = DatedStage  # type: ignore[misc] # the class that a REST API instantiates
