"""Replace moto's ECS backend by one whose services run tasks."""

from __future__ import annotations

import inspect
from copy import copy
from typing import Any

from moto.core.responses import ActionResult
from moto.ecs.exceptions import EcsClientException, InvalidParameterException
from moto.ecs.models import EC2ContainerServiceBackend, Service, Task, TaskDefinition, ecs_backends
from moto.ecs.responses import EC2ContainerServiceResponse

from secrets_pipeline.emulator.control.rollouts import ROLLOUTS
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.requests import parameter_of
from secrets_pipeline.emulator.services.ecs import rollout
from secrets_pipeline.emulator.services.ecs.tasks import of_service, running


class EmulatedEcsBackend(EC2ContainerServiceBackend):
    """ECS whose services run tasks."""

    def register_task_definition(self, *args: Any, **kwargs: Any) -> TaskDefinition:  # noqa: ANN401 - moto's
        """Register a revision.

        Raises:
            EcsClientException: container secrets without an execution role, an empty list of tags, or a reserved one.
        """
        tags = kwargs.get("tags")
        if tags == []:
            raise EcsClientException("Tags can not be empty.")
        if any(tag["key"].lower().startswith("aws:") for tag in tags or ()):
            raise EcsClientException("Tag keys that begin with aws: are reserved.")
        containers = args[1] if len(args) > 1 else kwargs["container_definitions"]
        if any(one.get("secrets") for one in containers) and not kwargs.get("execution_role_arn"):
            raise EcsClientException(
                "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
            )
        return super().register_task_definition(*args, **kwargs)

    @staticmethod
    def _calculate_task_resource_requirements(task_definition: TaskDefinition) -> dict[str, Any]:
        whole = copy(task_definition)
        # What says no memory shares the task's.
        whole.container_definitions = [{"memory": 0, **one} for one in task_definition.container_definitions]
        return EC2ContainerServiceBackend._calculate_task_resource_requirements(whole)  # noqa: SLF001 - moto's

    def create_service(self, *args: Any, **kwargs: Any) -> Service:  # noqa: ANN401 - moto's sixteen parameters
        """Create a service with its first deployment."""
        network = kwargs.get("network_configuration")
        if network:
            network.get("awsvpcConfiguration", {}).setdefault("securityGroups", [])
        service = super().create_service(*args, **kwargs)
        vars(service)["created_at"] = CLOCK.moment
        service.events = []
        if service.deployments:
            service.deployments = [{**service.deployments[0], "runningCount": 0}]
            rollout.begin(service)
        return service

    def update_service(self, service_properties: dict[str, Any]) -> Service:
        """Update a service; another task definition or a forced deployment makes a new primary deployment.

        Raises:
            InvalidParameterException: another task definition for a service that ECS does not deploy.
        """
        # moto would rename the deployment that is there.
        force = bool(service_properties.pop("force_new_deployment", False))
        wanted = service_properties.get("task_definition")
        if wanted:
            self._check_controller(str(service_properties.get("cluster")), str(service_properties["service"]))
            service_properties["task_definition"] = self.describe_task_definition(wanted).arn
        service = super().update_service(service_properties)
        if service.deployments and (force or wanted):
            rollout.begin(service)
        answer = _as_asked(service)
        rollout.settle(self, service)
        return answer

    def _check_controller(self, cluster: str, service: str) -> None:
        controller = self._get_service(cluster, service.rsplit("/", 1)[-1]).deployment_controller["type"]
        if controller != "ECS":
            by = " Use AWS CodeDeploy to trigger a new deployment." if controller == "CODE_DEPLOY" else ""
            raise InvalidParameterException(
                f"Unable to update task definition on services with a {controller} deployment controller.{by}"
            )

    def describe_services(
        self, cluster_str: str, service_names_or_arns: list[str]
    ) -> tuple[list[Service], list[dict[str, str]]]:
        """Services as they are now."""
        found, failures = super().describe_services(cluster_str, service_names_or_arns)
        for service in found:
            rollout.settle(self, service)
        return found, failures

    def delete_service(self, cluster_name: str, service_name: str, force: bool) -> Service:
        """Delete a service; its tasks stop."""
        service = super().delete_service(cluster_name, service_name, force)
        for task in of_service(self, service):
            if task.stopped_at is None:
                task.end("ServiceSchedulerInitiated", "Scaling activity initiated by the deletion of the service")
        return service

    def list_tasks(self, *args: object, **kwargs: object) -> list[Task]:
        """Tasks as they are now; running ones where nobody says otherwise."""
        for service in list(self.services.values()):
            rollout.settle(self, service)
        asked = inspect.signature(EC2ContainerServiceBackend.list_tasks).bind(self, *args, **kwargs).arguments
        asked["desiredStatus"] = asked.get("desiredStatus") or "RUNNING"
        name = asked.get("service_name")
        found = super().list_tasks(**{key: value for key, value in asked.items() if key != "self"})
        return [one for one in found if not name or one.group == f"service:{name.rsplit('/', 1)[-1]}"]


def _as_asked(service: Service) -> Service:
    """A service as the call that changed it answers, before anything has come of it."""
    answer = copy(service)
    answer.deployments = [dict(one) for one in service.deployments]
    return answer


def _create_service(response: EC2ContainerServiceResponse) -> ActionResult:
    """Moto drops the deployment configuration, in which the circuit breaker is."""
    answer = _moto_create_service(response)
    result: Any = answer.result
    service: Service = result["service"]
    vars(service)["deployment_configuration"] = parameter_of(response, "deploymentConfiguration") or {}
    result["service"] = _as_asked(service)
    backend = ecs_backends[response.current_account][response.region]
    rollout.settle(backend, service)
    return answer


_moto_create_service = EC2ContainerServiceResponse.create_service


def install() -> None:
    """Put this backend in the place of moto's."""
    ecs_backends.backend = EmulatedEcsBackend
    ROLLOUTS.running = running
    EC2ContainerServiceResponse.create_service = _create_service  # type: ignore[method-assign,assignment] # moto's dispatcher
