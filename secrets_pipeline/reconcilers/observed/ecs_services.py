"""Read ECS services by DescribeServices, and their task definitions by DescribeTaskDefinition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.reconcilers.observed.cached import Cached

if TYPE_CHECKING:
    from mypy_boto3_ecs.literals import ServiceFieldType

_ACTIVE = "ACTIVE"
DEPLOYED_BY_ECS = "ECS"
"""The deployment controller whose services UpdateService gives a task definition.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
"""


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """A revision of a task definition as DescribeTaskDefinition shows it.

    Attributes:
        definition: as DescribeTaskDefinition answers.
        tags: `[{"key": k, "value": v}]`.
    """

    definition: Mapping[str, Any]
    tags: Sequence[Any]

    @property
    def arn(self) -> str:
        """With family and revision."""
        return str(self.definition["taskDefinitionArn"])

    def runs(self, container: str) -> bool:
        """Whether it has a container of that name."""
        return any(one["name"] == container for one in self.definition["containerDefinitions"])

    def entries(self, container: str, section: str, value: str) -> dict[str, str]:
        """`secrets` or `environment` of one container as a dict."""
        found: Mapping[str, Any] = next(
            (c for c in self.definition["containerDefinitions"] if c["name"] == container), {}
        )
        return {entry["name"]: entry[value] for entry in found.get(section, [])}


class EcsServices:
    """Reads the services of one account and region.

    Args:
        account: whose AWS.
    """

    def __init__(self, account: AwsAccount) -> None:
        self._account = account
        self._services: Cached[tuple[str, str], Mapping[str, Any] | None] = Cached()
        self._running: Cached[tuple[str, str], TaskDefinition | None] = Cached()

    def service_now(self, cluster: str, service: str) -> Mapping[str, Any] | None:
        """Read a service that is ACTIVE by DescribeServices, at this moment; None where there is none.

        Raises:
            AwsError: if ECS refuses.
        """
        return next((one for one in self._described(cluster, service) if one.get("status") == _ACTIVE), None)

    def tags_now(self, cluster: str, service: str) -> Mapping[str, str] | None:
        """Read a service's tags by DescribeServices, at this moment; None where there is no such service.

        Raises:
            AwsError: if ECS refuses.
        """
        found = next(iter(self._described(cluster, service, include=("TAGS",))), None)
        return None if found is None else {tag["key"]: tag["value"] for tag in found.get("tags", [])}

    def running(self, cluster: str, service: str) -> TaskDefinition | None:
        """Read the revision that a service runs, once a run; a newer one may not be released, or rolled back.

        Raises:
            AwsError: if ECS refuses.
        """
        return self._running.get((cluster, service), partial(self._read_running, cluster, service))

    def deployed_by(self, cluster: str, service: str) -> str:
        """Read the type of a service's deployment controller by DescribeServices, once a run: ECS where there is none.

        Raises:
            AwsError: if ECS refuses.
        """
        return controller(self._service(cluster, service) or {})

    def running_now(self, cluster: str, service: str) -> TaskDefinition | None:
        """Read the revision that a service runs at this moment; None where there is no such service.

        Raises:
            AwsError: if ECS refuses.
        """
        self.forget(cluster, service)
        return self.running(cluster, service)

    def task_definition_now(self, name: str) -> TaskDefinition:
        """Read a revision by its ARN, or a family's newest by its name, by DescribeTaskDefinition, at this moment.

        Raises:
            AwsError: if ECS refuses, or there is none.
        """
        with calling("DescribeTaskDefinition", name):
            answer = self._account.client("ecs").describe_task_definition(taskDefinition=name, include=["TAGS"])
        return TaskDefinition(answer["taskDefinition"], answer.get("tags", []))

    def forget(self, cluster: str, service: str) -> None:
        """Read again next time what a service runs."""
        self._services.forget((cluster, service))
        self._running.forget((cluster, service))

    def _service(self, cluster: str, service: str) -> Mapping[str, Any] | None:
        return self._services.get((cluster, service), partial(self.service_now, cluster, service))

    def _read_running(self, cluster: str, service: str) -> TaskDefinition | None:
        # That of an external controller's is in its task sets.
        arn = (self._service(cluster, service) or {}).get("taskDefinition")
        return self.task_definition_now(arn) if arn else None

    def _described(
        self, cluster: str, service: str, include: Sequence[ServiceFieldType] = ()
    ) -> Iterator[Mapping[str, Any]]:
        client = self._account.client("ecs")
        with calling("DescribeServices", f"{cluster}/{service}"):
            try:
                answer = client.describe_services(cluster=cluster, services=[service], include=include)
            except client.exceptions.ClusterNotFoundException:
                return iter(())
        return iter(answer["services"])


def controller(service: Mapping[str, Any]) -> str:
    """Say who deploys a service, as DescribeServices shows it: ECS, CODE_DEPLOY or EXTERNAL."""
    return str(service.get("deploymentController", {}).get("type", DEPLOYED_BY_ECS))
