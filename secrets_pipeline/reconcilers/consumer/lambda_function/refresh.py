"""Start a Lambda function anew: one environment variable says when, so that its execution environments are replaced.

An environment variable cannot change inside a running execution environment, so Lambda makes new ones; of an update
that changes nothing, AWS promises no such thing. Only the unpublished version is reached: published ones are locked.
Source: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from secrets_pipeline.desired.consumer.refresh_model import LambdaRefresh
from secrets_pipeline.engine.reason import Missing
from secrets_pipeline.reconcilers.consumer.interface import Progress, Rollout
from secrets_pipeline.reconcilers.consumer.lambda_function.environment import set_variables

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

VARIABLE = "SECRETS_PIPELINE_REFRESHED"
_PROGRESS = {"InProgress": Progress.IN_PROGRESS, "Failed": Progress.FAILED}


class LambdaRefresher:
    """Starts Lambda functions of one stack's account anew."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def look(self, means: LambdaRefresh) -> Rollout | None:
        """Find the latest change of code or configuration: each replaces the execution environments."""
        found = self._stack.observed.functions.configuration_now(means.function_name)
        if found is None:
            return None
        progress = _PROGRESS.get(found.get("LastUpdateStatus", ""), Progress.COMPLETED)
        modified = datetime.fromisoformat(found["LastModified"])
        return Rollout(found.get("RevisionId", ""), modified, progress, found.get("LastUpdateStatusReason") or "")

    def follow(self, means: LambdaRefresh, rollout: str) -> Rollout | None:  # noqa: ARG002 - a later one serves as well
        """Find the latest change: a function has no older one."""
        return self.look(means)

    def start(self, means: LambdaRefresh) -> str:
        """Set the variable by UpdateFunctionConfiguration."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return str(set_variables(self._stack, means.function_name, {VARIABLE: now}).get("RevisionId", ""))

    def running_since(self, means: LambdaRefresh) -> datetime | None:
        """Find when the function was last changed: no execution environment is older."""
        found = self.look(means)
        return found.asked_at if found else None

    def missing(self, means: LambdaRefresh) -> Missing:
        """Say that the function does not exist: Terraform makes functions."""
        return Missing(f"function {means.function_name} does not exist", "Terraform makes it")
