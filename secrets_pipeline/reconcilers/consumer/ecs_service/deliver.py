"""Deliver references into an ECS service: RegisterTaskDefinition for a new revision, then UpdateService.

`secrets` entries are injected by the agent under the execution role, `environment` entries are plain text.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.consumer.model import EcsDelivery
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Missing, Reason, Waits
from secrets_pipeline.reconcilers.consumer.desired import as_text, differing, resolved
from secrets_pipeline.reconcilers.observed.ecs_services import TaskDefinition
from secrets_pipeline.reconcilers.tag_keys import PREFIX
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "ecs"
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


class EcsDeliveryReconciler:
    """Delivers references to `secrets` and `environment` of one stack's services."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._deliveries = {
            f"{d.cluster}/{d.service}/{d.container}": d
            for d in stack.spec.deliveries
            if isinstance(d, EcsDelivery) and d.deliver and (d.secrets or d.environment)
        }

    def wanted(self) -> Mapping[Resource, str | Pending]:
        """Resolve what is delivered to each container."""
        return {
            Resource(KIND, name, delivery.component): as_text(self._stack, delivery.secrets, delivery.environment)
            for name, delivery in self._deliveries.items()
        }

    def plan(self, *, but: Collection[str] = ()) -> Sequence[Change]:
        """Plan one change a container, but those that are named; those of one service come one after the other."""
        changes: list[Change] = []
        last: dict[tuple[str, str], str] = {}
        for name, delivery in self._deliveries.items():
            if name in but:
                continue
            service = (delivery.cluster, delivery.service)
            after = (last[service],) if service in last else ()
            resource = Resource(KIND, name, delivery.component)
            changes.append(planned(resource, partial(self._plan, resource, delivery, after)))
            last[service] = name
        return changes

    def apply(self, change: Change) -> str:
        """Call RegisterTaskDefinition and UpdateService for one container; see `engine.Reconciler`."""
        delivery = self._deliveries[change.resource.name]
        wanted = self._wanted(delivery)
        if isinstance(wanted, Pending):
            raise SkippedError(wanted.reason)
        latest = self._stack.observed.services.running_now(delivery.cluster, delivery.service)
        if latest is None:
            raise SkippedError(f"service {delivery.service} does not exist")
        if not latest.runs(delivery.container):
            raise SkippedError(f"container {delivery.container} does not exist")
        secrets, environment = wanted
        arn = self._registered(latest, delivery, secrets, environment)
        with calling("UpdateService", delivery.service):
            self._stack.account.client("ecs").update_service(
                cluster=delivery.cluster, service=delivery.service, taskDefinition=arn
            )
        self._stack.observed.services.forget(delivery.cluster, delivery.service)
        return f"{arn.rsplit('/', 1)[-1]}: {', '.join([*secrets, *environment])}"

    def _plan(self, resource: Resource, delivery: EcsDelivery, after: tuple[str, ...]) -> Change:
        latest = self._stack.observed.services.running(delivery.cluster, delivery.service)
        if latest is None:
            absent = f"service {delivery.service} in cluster {delivery.cluster} does not exist"
            reason = Missing(absent, "Terraform makes it")
            return Change(resource, ChangeClass.BLOCKED, (reason,), after=after)
        if not latest.runs(delivery.container):
            absent = f"task definition {delivery.family} has no container {delivery.container}"
            reason = Missing(absent, "Terraform makes it")
            return Change(resource, ChangeClass.BLOCKED, (reason,), after=after)
        wanted = self._wanted(delivery)
        if isinstance(wanted, Pending):
            return Change(resource, ChangeClass.UPDATE, (Waits(wanted.reason),), after=after)
        reasons = _differences(latest, delivery, *wanted)
        return Change(resource, ChangeClass.UPDATE if reasons else ChangeClass.NONE, reasons, after=after)

    def _wanted(self, delivery: EcsDelivery) -> tuple[dict[str, str], dict[str, str]] | Pending:
        secrets = resolved(self._stack, delivery.secrets)
        environment = resolved(self._stack, delivery.environment)
        if isinstance(secrets, Pending):
            return secrets
        return environment if isinstance(environment, Pending) else (secrets, environment)

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


def _differences(
    latest: TaskDefinition, delivery: EcsDelivery, secrets: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[Reason, ...]:
    return (
        *differing(latest.entries(delivery.container, "secrets", "valueFrom"), secrets, "secret"),
        *differing(latest.entries(delivery.container, "environment", "value"), environment, "variable"),
    )


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
