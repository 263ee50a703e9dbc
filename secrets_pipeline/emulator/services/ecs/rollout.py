"""Deploy a service: a new deployment starts its tasks, then those of the one before stop.

What time changes is brought about when somebody looks.
"""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.control.rollouts import ROLLOUTS
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services.ecs.tasks import ServiceTask, of_service, pull

if TYPE_CHECKING:
    from moto.ecs.models import EC2ContainerServiceBackend, Service

IN_PROGRESS, COMPLETED, FAILED = "IN_PROGRESS", "COMPLETED", "FAILED"
_BREAKER_THRESHOLD = 3
"""Failed tasks at which the circuit breaker acts: half of the desired ones, at least three."""
_EVENTS_KEPT = 100
_STOPPED_KEPT = 10

Deployment = dict[str, Any]


def begin(service: Service) -> None:
    """Make a new primary deployment; the one before is ACTIVE until its tasks have stopped."""
    now, new_id = CLOCK.moment, f"ecs-svc/{secrets.randbelow(10**19):019d}"
    before = service.deployments[0] if service.deployments else {}
    # Only what runs tasks can drain.
    known: list[Deployment] = service.deployments
    draining = [one for one in known if one["runningCount"]]
    for one in draining:
        one |= {"status": "ACTIVE", "desiredCount": 0, "updatedAt": now}
    service.deployments = [
        {
            **before,
            "id": new_id,
            "createdAt": now,
            "updatedAt": now,
            "status": "PRIMARY",
            "taskDefinition": service.task_definition,
            "desiredCount": service.desired_count,
            "runningCount": 0,
            "pendingCount": service.desired_count,
            "failedTasks": 0,
            "rolloutState": IN_PROGRESS,
            "rolloutStateReason": f"ECS deployment {new_id} in progress.",
        },
        *draining,
    ]


def settle(backend: EC2ContainerServiceBackend, service: Service) -> None:
    """Bring a service up to now."""
    if service.status != "ACTIVE" or not service.deployments:
        return
    primary: Deployment = service.deployments[0]
    due = primary["createdAt"] + timedelta(seconds=ROLLOUTS.seconds)
    if primary["rolloutState"] == IN_PROGRESS and CLOCK.moment >= due:
        _roll(backend, service, primary)
    elif primary["rolloutState"] == COMPLETED and primary["runningCount"] != service.desired_count:
        _scale(backend, service, primary)
    shown: list[Deployment] = service.deployments
    service.running_count = sum(one["runningCount"] for one in shown)
    service.pending_count = sum(one["pendingCount"] for one in shown)


def _roll(backend: EC2ContainerServiceBackend, service: Service, primary: Deployment) -> None:
    if not _scale(backend, service, primary):
        return
    for task in of_service(backend, service):
        if task.started_by != primary["id"] and task.stopped_at is None:
            task.end("ServiceSchedulerInitiated", f"Scaling activity initiated by (deployment {primary['id']})")
    service.deployments = [primary]
    primary |= {
        "rolloutState": COMPLETED,
        "rolloutStateReason": f"ECS deployment {primary['id']} completed.",
        "updatedAt": CLOCK.moment,
    }
    say(service, f"(service {service.name}) has reached a steady state.")


def _scale(backend: EC2ContainerServiceBackend, service: Service, primary: Deployment) -> bool:
    """Start and stop tasks of the primary deployment; whether it runs as many as it should."""
    here = [one for one in of_service(backend, service) if one.started_by == primary["id"] and one.stopped_at is None]
    for task in here[service.desired_count :]:
        task.end("ServiceSchedulerInitiated", f"Scaling activity initiated by (deployment {primary['id']})")
    primary["desiredCount"] = service.desired_count
    for _ in range(service.desired_count - len(here)):
        task = ServiceTask(backend, service, primary)
        backend.tasks.setdefault(service.cluster_name, {})[task.task_arn] = task
        try:
            task.begin(pull(backend.describe_task_definition(task.task_definition_arn), backend.region_name, task.id))
        except Fault as fault:
            task.end("TaskFailedToStart", fault.message)
            _forget_stopped(backend, service)
            _failed(service, primary, task)
            return False
    primary |= {"runningCount": service.desired_count, "pendingCount": 0}
    return True


def _failed(service: Service, primary: Deployment, task: ServiceTask) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html."""
    where = f"(service {service.name}, taskSet {primary['id']})"
    say(service, f"{where} was unable to start (task {task.id}): {task.stopped_reason}")
    say(service, f"(service {service.name}) is unable to consistently start tasks successfully.")
    primary["failedTasks"] += 1
    configured: Any = getattr(service, "deployment_configuration", None) or {}
    breaker = configured.get("deploymentCircuitBreaker") or {}
    if not breaker.get("enable"):
        return
    primary |= {
        "failedTasks": max(primary["failedTasks"], _BREAKER_THRESHOLD),
        "pendingCount": 0,
        "updatedAt": CLOCK.moment,
    }
    primary["rolloutState"] = FAILED
    primary["rolloutStateReason"] = "ECS deployment circuit breaker: tasks failed to start."
    say(service, f"(service {service.name}) (deployment {primary['id']}) deployment failed: tasks failed to start.")
    older: list[Deployment] = service.deployments[1:]
    former = next((one for one in older if one["rolloutState"] == COMPLETED), None)
    if breaker.get("rollback") and former is not None:
        say(service, f"(service {service.name}) rolling back to deployment {former['id']}.")
        primary |= {"status": "ACTIVE", "desiredCount": 0}
        former |= {"status": "PRIMARY", "desiredCount": service.desired_count, "updatedAt": CLOCK.moment}
        service.task_definition = former["taskDefinition"]
        service.deployments = [former, primary]


def _forget_stopped(backend: EC2ContainerServiceBackend, service: Service) -> None:
    """ECS forgets stopped tasks after an hour; every look at a service that cannot start one adds another."""
    stopped = [one for one in of_service(backend, service) if one.stopped_at is not None]
    for one in stopped[:-_STOPPED_KEPT]:
        backend.tasks[service.cluster_name].pop(one.task_arn, None)


def say(service: Service, message: str) -> None:
    """Add a service event, the newest first."""
    event = {"id": str(uuid.uuid4()), "createdAt": CLOCK.moment, "message": message}
    service.events = [event, *service.events][:_EVENTS_KEPT]
