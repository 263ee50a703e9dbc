"""Deploy a REST API to its stage again by CreateDeployment and UpdateStage, which drops what the stage has cached.

A deployment publishes the API as it is edited at that moment: only a component that asks for it gets one.
Source: https://docs.aws.amazon.com/apigateway/latest/api/API_CreateDeployment.html
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.consumer.refresh_model import StageRefresh
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.engine.reason import Missing
from secrets_pipeline.reconcilers.consumer.interface import Rollout

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_DESCRIPTION = "secrets-pipeline: a secret has another value"


class StageRefresher:
    """Deploys APIs to their stages again, in one stack's account."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def look(self, means: StageRefresh) -> Rollout | None:
        """Find the latest change of the stage by GetStage."""
        found = self._stack.observed.stages.now(means.api_name, means.stage_name)
        return None if found is None else Rollout(found.deployment_id, found.changed_at)

    def follow(self, means: StageRefresh, rollout: str) -> Rollout | None:  # noqa: ARG002 - a stage changes at once
        """Find the latest change of the stage by GetStage."""
        return self.look(means)

    def start(self, means: StageRefresh) -> str:
        """Call CreateDeployment, then put the stage on the deployment by UpdateStage."""
        client = self._stack.account.client("apigateway")
        found = self._stack.observed.stages.now(means.api_name, means.stage_name)
        if found is None:
            raise SkippedError(str(self.missing(means)))
        with calling("CreateDeployment", means.name):
            made = client.create_deployment(restApiId=found.api_id, description=_DESCRIPTION)
        with calling("UpdateStage", means.name):
            client.update_stage(
                restApiId=found.api_id,
                stageName=means.stage_name,
                patchOperations=[{"op": "replace", "path": "/deploymentId", "value": made["id"]}],
            )
        self._stack.observed.stages.forget(means.api_name, means.stage_name)
        return made["id"]

    def running_since(self, means: StageRefresh) -> datetime | None:
        """When the stage was last changed."""
        found = self.look(means)
        return found.asked_at if found else None

    def missing(self, means: StageRefresh) -> Missing:
        """Say that the stage does not exist: Terraform makes stages."""
        return Missing(f"stage {means.name} does not exist, or several APIs have its name", "Terraform makes it")
