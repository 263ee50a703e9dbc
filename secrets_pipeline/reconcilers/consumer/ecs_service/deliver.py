"""Deliver references into an ECS service: RegisterTaskDefinition for a new revision, then UpdateService.

`secrets` entries are injected by the agent under the execution role, `environment` entries are plain text.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.consumer.model import EcsDelivery
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.engine.reason import Because, Missing, Reason
from secrets_pipeline.reconcilers.consumer.deliverer import Deliverer
from secrets_pipeline.reconcilers.observed.ecs_services import DEPLOYED_BY_ECS, TaskDefinition
from secrets_pipeline.reconcilers.tag_keys import PREFIX
from secrets_pipeline.references.model import Expression

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_NOT_BY_US = (
    "write the ARN into the task definition that its pipeline deploys (`secrets-pipeline outputs` prints it), "
    "or write deliver: false"
)
_LEFT = ("aws:", PREFIX + "built-on")
"""Tags that begin so are not passed on: AWS keeps the first for itself; the other, an older version's, means nothing.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
"""

# What DescribeTaskDefinition answers beyond what RegisterTaskDefinition takes.
_ANSWER_ONLY = frozenset(
    {
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
        "deregisteredAt",
        "deleteRequestedAt",
    }
)


class EcsDeliverer(Deliverer[EcsDelivery]):
    """Delivers references to `secrets` and `environment` of one stack's services."""

    kind = "ecs"
    nouns = ("secret", "variable")

    def __init__(self, stack: Stack) -> None:
        found = (one for one in stack.spec.deliveries if isinstance(one, EcsDelivery))
        ours = (one for one in found if one.deliver and (one.secrets or one.environment))
        super().__init__(stack, {one.name: one for one in ours})

    def sections(self, delivery: EcsDelivery) -> tuple[Mapping[str, Expression], ...]:
        """Say which entries of the container are delivered."""
        return delivery.secrets, delivery.environment

    def consumer(self, name: str, delivery: EcsDelivery) -> str:  # noqa: ARG002 - as `Deliverer` has it
        """Name the service: each delivery to one of its containers makes a revision of one task definition."""
        return f"{delivery.cluster}/{delivery.service}"

    def observed(self, delivery: EcsDelivery) -> tuple[Mapping[str, str], ...] | Reason:
        """Read the container's entries by DescribeServices and DescribeTaskDefinition, once a run."""
        latest = self._stack.observed.services.running(delivery.cluster, delivery.service)
        if latest is None and (refused := self.refusal(delivery)):
            return refused
        if latest is None:
            absent = f"service {delivery.service} in cluster {delivery.cluster} does not exist"
            return Missing(absent, "Terraform makes it")
        if not latest.runs(delivery.container):
            absent = f"task definition {delivery.family} has no container {delivery.container}"
            return Missing(absent, "Terraform makes it")
        secrets = latest.entries(delivery.container, "secrets", "valueFrom")
        return secrets, latest.entries(delivery.container, "environment", "value")

    def refusal(self, delivery: EcsDelivery) -> Reason | None:
        """Say that another controller than ECS deploys the service: UpdateService then takes no task definition."""
        by = self._stack.observed.services.deployed_by(delivery.cluster, delivery.service)
        return None if by == DEPLOYED_BY_ECS else Because(f"{by} deploys the service", _NOT_BY_US)

    def deliver(self, delivery: EcsDelivery, *wanted: Mapping[str, str]) -> str:
        """Register a revision by RegisterTaskDefinition, then put the service on it by UpdateService."""
        secrets, environment = wanted
        latest = self._stack.observed.services.running_now(delivery.cluster, delivery.service)
        if refused := self.refusal(delivery):
            raise SkippedError(refused.problem, remedy=refused.remedy)
        if latest is None:
            raise SkippedError(f"service {delivery.service} does not exist")
        if not latest.runs(delivery.container):
            raise SkippedError(f"container {delivery.container} does not exist")
        arn = self._registered(latest, delivery, secrets, environment)
        with calling("UpdateService", delivery.service):
            self._stack.account.client("ecs").update_service(
                cluster=delivery.cluster, service=delivery.service, taskDefinition=arn
            )
        self._stack.observed.services.forget(delivery.cluster, delivery.service)
        return f"{arn.rsplit('/', 1)[-1]}: {', '.join([*secrets, *environment])}"

    def _registered(
        self,
        latest: TaskDefinition,
        delivery: EcsDelivery,
        secrets: Mapping[str, str],
        environment: Mapping[str, str],
    ) -> str:
        """ARN of the next revision; a newest one that says the very same is it."""
        request = _registerable(latest)
        request["containerDefinitions"] = [
            _delivered(container, secrets, environment) if container["name"] == delivery.container else container
            for container in latest.definition["containerDefinitions"]
        ]
        held = {tag["key"] for tag in request.get("tags", ())}
        more = [{"key": key, "value": value} for key, value in self._stack.run.settings.tags.items() if key not in held]
        if more:
            request["tags"] = sorted([*request.get("tags", ()), *more], key=itemgetter("key"))
        newest = self._stack.observed.services.task_definition_now(str(latest.definition["family"]))
        if _registerable(newest) == request:
            # An earlier run registered it and did not come to the service.
            return newest.arn
        with calling("RegisterTaskDefinition", delivery.family):
            answer = self._stack.account.client("ecs").register_task_definition(**request)
        return str(answer["taskDefinition"]["taskDefinitionArn"])


def _registerable(revision: TaskDefinition) -> dict[str, Any]:
    """What RegisterTaskDefinition takes to make the same again."""
    taken = {key: value for key, value in revision.definition.items() if key not in _ANSWER_ONLY}
    tags = [tag for tag in revision.tags if not tag["key"].lower().startswith(_LEFT)]
    # An empty list is an error: https://github.com/fabfuel/ecs-deploy/issues/146
    return {**taken, "tags": sorted(tags, key=itemgetter("key"))} if tags else taken


def _delivered(
    container: Mapping[str, Any], secrets: Mapping[str, str], environment: Mapping[str, str]
) -> dict[str, Any]:
    # One name in both sections is refused: what moves from one to the other leaves the first.
    ours = {*secrets, *environment}
    kept = {e["name"]: e for e in container.get("secrets", []) if e["name"] not in ours}
    plain = {e["name"]: e for e in container.get("environment", []) if e["name"] not in ours}
    return {
        **container,
        "secrets": [*kept.values(), *({"name": name, "valueFrom": arn} for name, arn in secrets.items())],
        "environment": [*plain.values(), *({"name": name, "value": text} for name, text in environment.items())],
    }
