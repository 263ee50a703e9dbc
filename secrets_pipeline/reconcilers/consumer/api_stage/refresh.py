"""Deploy a REST API to its stage again, which drops what the stage has cached.

A deployment publishes the API as it is edited at that moment: only a component that asks for it gets one.
Source: https://docs.aws.amazon.com/apigateway/latest/api/API_CreateDeployment.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.desired.consumer.refresh_model import StageRefresh
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.engine.reason import Missing
from secrets_pipeline.reconcilers.consumer.interface import Rollout

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_DESCRIPTION = "secrets-pipeline: a secret has another value"


class StageRefresher:
    """Stages of one stack's account."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def look(self, means: StageRefresh) -> Rollout | None:
        """The latest change of the stage."""
        found = self._stage(means)
        return None if found is None else Rollout(found[1].get("deploymentId", ""), found[1].get("lastUpdatedDate"))

    def follow(self, means: StageRefresh, rollout: str) -> Rollout | None:  # noqa: ARG002 - a stage changes at once
        """The latest change of the stage."""
        return self.look(means)

    def start(self, means: StageRefresh) -> str:
        """Make a deployment, then put the stage on it."""
        client, found = self._stack.account.client("apigateway"), self._stage(means)
        if found is None:
            raise SkippedError(str(self.missing(means)))
        with calling("CreateDeployment", means.name):
            made = client.create_deployment(restApiId=found[0], description=_DESCRIPTION)
        with calling("UpdateStage", means.name):
            client.update_stage(
                restApiId=found[0],
                stageName=means.stage_name,
                patchOperations=[{"op": "replace", "path": "/deploymentId", "value": made["id"]}],
            )
        self._stack.observed.forget("stage", means.name)
        return made["id"]

    def running_since(self, means: StageRefresh) -> datetime | None:
        """When the stage was last changed."""
        found = self.look(means)
        return found.asked_at if found else None

    def missing(self, means: StageRefresh) -> Missing:
        """Terraform makes stages."""
        return Missing(f"stage {means.name} does not exist, or several APIs have its name", "Terraform makes it")

    def _stage(self, means: StageRefresh) -> tuple[str, Mapping[str, Any]] | None:
        client = self._stack.account.client("apigateway")
        with calling("GetRestApis", "of the account"):
            ids = [api["id"] for api in pages(client, "get_rest_apis") if api["name"] == means.api_name]
        if len(ids) != 1:
            return None
        with calling("GetStage", means.name):
            try:
                return ids[0], client.get_stage(restApiId=ids[0], stageName=means.stage_name)
            except client.exceptions.NotFoundException:
                return None
