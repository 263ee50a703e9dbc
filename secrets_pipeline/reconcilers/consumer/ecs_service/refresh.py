"""Start an ECS service anew: UpdateService forces another deployment of the task definition that it runs.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html (forceNewDeployment)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.desired.consumer.refresh_model import EcsRefresh
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.engine.reason import Because, Missing
from secrets_pipeline.reconcilers.consumer.interface import Progress, Rollout
from secrets_pipeline.reconcilers.observed.ecs_services import DEPLOYED_BY_ECS, controller

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_TASKS_PER_CALL = 100
_FEWEST_FAILED_TASKS, _MOST_FAILED_TASKS = 3, 200
"""Half of the desired tasks, within these bounds, make a deployment's circuit breaker act; without one, ECS tries for
ever. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeploymentCircuitBreaker.html"""
_NOT_BY_US = "let that deploy it again, or write refresh: false"


class EcsRefresher:
    """Starts ECS services of one stack's account anew."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def look(self, means: EcsRefresh) -> Rollout | None:
        """Find the primary deployment by DescribeServices."""
        service = self._stack.observed.services.service_now(means.cluster, means.service)
        return None if service is None else _rollout(service, _primary(service))

    def follow(self, means: EcsRefresh, rollout: str) -> Rollout | None:
        """Find what became of a deployment; one that is gone was rolled back, or another one took its place."""
        service = self._stack.observed.services.service_now(means.cluster, means.service)
        if service is None:
            return None
        own = next((one for one in service.get("deployments", ()) if one["id"] == rollout), None)
        if own is not None and own.get("rolloutState") == Progress.FAILED:
            return _rollout(service, own)
        latest = _rollout(service, _primary(service))
        if own is not None or latest.progress is not Progress.COMPLETED:
            return latest
        return Rollout(rollout, latest.asked_at, Progress.COMPLETED, f"another deployment took its place: {latest.id}")

    def start(self, means: EcsRefresh) -> str:
        """Force a new deployment by UpdateService."""
        client = self._stack.account.client("ecs")
        errors = client.exceptions
        # One that was deleted is inactive, before ECS knows it no more.
        gone = (errors.ServiceNotActiveException, errors.ServiceNotFoundException, errors.ClusterNotFoundException)
        with calling("UpdateService", means.name):
            try:
                answer = client.update_service(cluster=means.cluster, service=means.service, forceNewDeployment=True)
            except gone:
                raise SkippedError(str(self.missing(means))) from None
        return str(_primary(answer["service"]).get("id", ""))

    def running_since(self, means: EcsRefresh) -> datetime | None:
        """Find when the oldest running task was started, by ListTasks and DescribeTasks."""
        client = self._stack.account.client("ecs")
        with calling("ListTasks", means.name):
            arns = list(pages(client, "list_tasks", cluster=means.cluster, serviceName=means.service))
        started: list[datetime] = []
        for at in range(0, len(arns), _TASKS_PER_CALL):
            with calling("DescribeTasks", means.name):
                answer = client.describe_tasks(cluster=means.cluster, tasks=_texts(arns[at : at + _TASKS_PER_CALL]))
            started += [task["startedAt"] for task in answer["tasks"] if "startedAt" in task]
        return min(started, default=None)

    def missing(self, means: EcsRefresh) -> Missing:
        """Say that the service does not exist: Terraform makes services."""
        return Missing(f"service {means.service} in cluster {means.cluster} does not exist", "Terraform makes it")


def _texts(values: Sequence[object]) -> list[str]:
    return [str(value) for value in values]


def _primary(service: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next((one for one in service.get("deployments", ()) if one["status"] == "PRIMARY"), {})
    return found


def _rollout(service: Mapping[str, Any], deployment: Mapping[str, Any]) -> Rollout:
    progress = Progress(deployment.get("rolloutState") or Progress.COMPLETED)
    detail = str(deployment.get("rolloutStateReason") or "")
    if progress is Progress.IN_PROGRESS and deployment.get("failedTasks", 0) >= _threshold(deployment):
        progress = Progress.FAILED
    if progress is Progress.FAILED:
        detail = _failure(service, deployment)
    others = (one for one in service.get("deployments", ()) if one["id"] != deployment.get("id"))
    failed = next((one for one in others if one.get("rolloutState") == Progress.FAILED), None)
    by = controller(service)
    return Rollout(
        str(deployment.get("id", "")),
        deployment.get("createdAt"),
        progress,
        detail,
        failed_try=_failure(service, failed) if failed else "",
        refusal=None if by == DEPLOYED_BY_ECS else Because(f"{by} deploys it", _NOT_BY_US),
    )


def _threshold(deployment: Mapping[str, Any]) -> int:
    half = (int(deployment.get("desiredCount", 0)) + 1) // 2
    return min(max(half, _FEWEST_FAILED_TASKS), _MOST_FAILED_TASKS)


def _failure(service: Mapping[str, Any], deployment: Mapping[str, Any]) -> str:
    """What ECS says of a deployment whose tasks do not start; its events quote ARNs and roles, never values."""
    said = (one["message"] for one in service.get("events", ()) if "unable to start" in one["message"])
    otherwise = f"{deployment.get('failedTasks', 0)} tasks could not be started; {deployment.get('rolloutStateReason')}"
    return next(said, otherwise)
