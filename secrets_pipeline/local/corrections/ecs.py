"""ECS as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- A service's deployments follow UpdateService, and its tasks run: `services_stable` succeeds at once.
  https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
- `taskDefinition` of a service is always a complete ARN.
  https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
- Container secrets need an execution role.
  https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
- A network configuration without security groups means the VPC's default group, not HTTP 500.
"""

from __future__ import annotations

import secrets
from types import ModuleType
from typing import Any

from moto.core.utils import utcnow
from moto.ecs import urls as moto_urls
from moto.ecs.exceptions import EcsClientException
from moto.ecs.models import EC2ContainerServiceBackend, Service, TaskDefinition, ecs_backends


class Backend(EC2ContainerServiceBackend):
    """ECS whose services settle at once."""

    @property
    def _url_module(self) -> ModuleType:
        return moto_urls

    def register_task_definition(self, *args: Any, **kwargs: Any) -> TaskDefinition:  # noqa: ANN401 - moto's
        """Register a revision.

        Raises:
            EcsClientException: container secrets without an execution role.
        """
        containers = args[1] if len(args) > 1 else kwargs["container_definitions"]
        if any(one.get("secrets") for one in containers) and not kwargs.get("execution_role_arn"):
            raise EcsClientException(
                "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
            )
        return super().register_task_definition(*args, **kwargs)

    def create_service(self, *args: Any, **kwargs: Any) -> Service:  # noqa: ANN401 - moto's sixteen parameters
        """Create a service whose tasks run."""
        network = kwargs.get("network_configuration")
        if network:
            network.get("awsvpcConfiguration", {}).setdefault("securityGroups", [])
        service = super().create_service(*args, **kwargs)
        _settle(service)
        return service

    def update_service(self, service_properties: dict[str, Any]) -> Service:
        """Update a service; another task definition or a forced deployment makes a new primary deployment."""
        force = bool(service_properties.get("force_new_deployment"))
        wanted = service_properties.get("task_definition")
        if wanted:
            service_properties["task_definition"] = self.describe_task_definition(wanted).arn
        service = super().update_service(service_properties)
        if force or wanted:
            _deploy(service)
        _settle(service)
        return service


def _deploy(service: Service) -> None:
    """Replace the primary deployment; the one before has drained."""
    now = utcnow()
    previous = service.deployments[0] if service.deployments else {}
    service.deployments = [
        {
            **previous,
            "id": f"ecs-svc/{secrets.randbelow(10**19):019d}",
            "createdAt": now,
            "updatedAt": now,
            "status": "PRIMARY",
            "taskDefinition": service.task_definition,
        }
    ]


def _settle(service: Service) -> None:
    service.running_count, service.pending_count = service.desired_count, 0
    for deployment in service.deployments:
        deployment |= {
            "desiredCount": service.desired_count,
            "runningCount": service.desired_count,
            "pendingCount": 0,
            "rolloutState": "COMPLETED",
            "rolloutStateReason": f"ECS deployment {deployment['id']} completed.",
        }


def install() -> None:
    """Put this backend in the place of moto's."""
    ecs_backends.backend = Backend
