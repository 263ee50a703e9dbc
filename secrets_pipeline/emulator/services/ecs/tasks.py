"""Start tasks of services with the secrets that they name, or tell why one does not start."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from moto.ecs.models import Service, Task, TaskDefinition, ecs_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from secrets_pipeline.arn import Arn, account_of
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.enforcement import SecretsAccess, identify

if TYPE_CHECKING:
    from moto.ecs.models import EC2ContainerServiceBackend

_SECRETS = "secretsmanager"
_UNABLE = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
    "unable to retrieve secret from asm: service call has been retried 1 time(s): {cause}"
)


class ServiceTask(Task):
    """A task of a service.

    Attributes:
        injected: `CONTAINER.NAME` of each injected secret → ARN and version id; never a value.
    """

    def __init__(self, backend: EC2ContainerServiceBackend, service: Service, deployment: Mapping[str, Any]) -> None:
        definition = backend.describe_task_definition(deployment["taskDefinition"])
        super().__init__(
            cluster=backend.clusters[service.cluster_name],
            task_definition=definition,
            container_instance_arn=None,
            resource_requirements=None,
            backend=backend,
            group=f"service:{service.name}",
            launch_type=service.launch_type or "",
            started_by=str(deployment["id"]),
            networking_configuration=service.network_configuration or None,
        )
        self.id = secrets.token_hex(16)
        self.created_at = CLOCK.moment
        self.started_at: Any = None
        self.stopped_at: Any = None
        self.stop_code: str | None = None
        self.injected: dict[str, tuple[str, str]] = {}

    def advance(self) -> None:
        """Stay as it is: only a deployment stops it."""

    def begin(self, injected: Mapping[str, tuple[str, str]]) -> None:
        """Run, with what was injected."""
        self.injected, self.started_at = dict(injected), CLOCK.moment

    def end(self, code: str, reason: str) -> None:
        """Stop."""
        self.last_status = self.desired_status = "STOPPED"
        self.stop_code, self.stopped_reason, self.stopped_at = code, reason, CLOCK.moment


def pull(definition: TaskDefinition, region: str, task_id: str) -> dict[str, tuple[str, str]]:
    """Read what is to be injected, under the execution role, as the agent does.

    Args:
        definition: of the task.
        region: of the service.
        task_id: names the role's session.

    Returns:
        `CONTAINER.NAME` → ARN and version id.

    Raises:
        Fault: the task's stoppedReason.
    """
    containers: Any = definition.container_definitions
    wanted = [
        (f"{container['name']}.{entry['name']}", str(entry["valueFrom"]))
        for container in containers
        for entry in container.get("secrets") or ()
    ]
    role = str(definition.execution_role_arn or "")
    return {name: _read(source, role, region, task_id) for name, source in wanted if f":{_SECRETS}:" in source}


def _read(source: str, role_arn: str, region: str, task_id: str) -> tuple[str, str]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html."""
    secret, account = Arn.parse(source), account_of(role_arn)
    arn, (key, stage, version) = str(secret.unqualified), (*secret.qualifier.split(":"), "", "")[:3]
    params = {"SecretId": arn, "VersionStage": stage or None, "VersionId": version or None}
    session = sts_backends[account][get_partition(region)].assume_role(
        region_name=region,
        role_session_name=task_id,
        role_arn=role_arn,
        policy="",
        duration=3600,
        external_id="",
    )
    client = identify(account, session.access_key_id, region)
    store: Any = secretsmanager_backends[secret.account_id][secret.region]
    try:
        answer = store.call("GetSecretValue", params, access=SecretsAccess(client, secret.region))
    except Fault as fault:
        cause = f"failed to fetch secret {arn} from secrets manager: {fault.error_type}: {fault.message}"
        raise Fault("ResourceInitializationError", _UNABLE.format(cause=cause)) from None
    if key and not _holds(answer.get("SecretString"), key):
        cause = f"retrieved secret from Secrets Manager did not contain json key {key}"
        raise Fault("ResourceInitializationError", _UNABLE.format(cause=cause))
    return str(answer["ARN"]), str(answer["VersionId"])


def _holds(value: str | None, key: str) -> bool:
    try:
        document = json.loads(value or "")
    except ValueError:
        return False
    return isinstance(document, dict) and key in document


def of_service(backend: EC2ContainerServiceBackend, service: Service) -> Iterator[ServiceTask]:
    """Tasks of a service, stopped ones included."""
    for task in list(backend.tasks.get(service.cluster_name, {}).values()):
        if isinstance(task, ServiceTask) and task.group == f"service:{service.name}":
            yield task


def running() -> list[dict[str, Any]]:
    """Every running task of every service: where, since when, and which version of which secret it holds."""
    return [
        {
            "account_id": account,
            "region": region,
            "cluster": task.cluster_name,
            "service": task.group.removeprefix("service:"),
            "task": task.id,
            "task_definition": task.task_definition_arn,
            "started_at": task.started_at.timestamp(),
            "injected": {name: list(held) for name, held in task.injected.items()},
        }
        for account, regions in list(ecs_backends.items())
        for region, backend in list(regions.items())
        for tasks in list(backend.tasks.values())
        for task in list(tasks.values())
        if isinstance(task, ServiceTask) and task.started_at is not None and task.stopped_at is None
    ]
