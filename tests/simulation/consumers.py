"""Lambda and ECS in memory: a function and a service that read secrets, made by Terraform.

Sources: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html and
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from secrets_pipeline.emulator.core.fault import Fault
from tests.simulation.rds import ACCOUNT, REGION
from tests.simulation.virtual_time import EPOCH, date

FUNCTION, CLUSTER, SERVICE, CONTAINER = "sim-reports", "shop", "orders", "app"
ROTATOR = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:rotate"
OTHER_VARIABLE = "MODE"
"""A variable that nobody but Terraform, and humans, writes."""


@dataclass
class Function:
    """A Lambda function.

    Attributes:
        revision: counts its changes.
        modified: virtual second of the last one.
        settled: virtual second at which that one has taken effect.
    """

    variables: dict[str, str] = field(default_factory=lambda: {OTHER_VARIABLE: "first"})
    revision: int = 1
    modified: float = 0.0
    settled: float = 0.0


@dataclass
class Deployment:
    """A deployment of the service.

    Attributes:
        due: virtual second at which its tasks run.
        fails: whether they never will.
    """

    number: int
    definition: str
    created: float
    due: float
    fails: bool


class Consumers:
    """Functions and services of one account and region.

    Args:
        clock: virtual seconds.
        delay: seconds until a rollout has ended.
        fails: whether the tasks of a new deployment cannot be started.
    """

    def __init__(self, clock: Callable[[], float], delay: Callable[[], float], fails: Callable[[], bool]) -> None:
        self._clock = clock
        self._delay = delay
        self._fails = fails
        self.functions: dict[str, Function] = {}
        self.revisions: list[dict[str, Any]] = []
        self.deployments: list[Deployment] = []

    def make(self) -> None:
        """What Terraform made."""
        self.functions[FUNCTION] = Function(modified=self._clock())
        containers = [{"name": CONTAINER, "image": "orders", "environment": [{"name": OTHER_VARIABLE, "value": "1"}]}]
        definition = self._register({"family": SERVICE, "containerDefinitions": containers})
        self._deploy(definition, due=self._clock())

    def call(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Perform one operation.

        Raises:
            Fault: AWS's error.
        """
        operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "lambda.GetFunctionConfiguration": self._configuration,
            "lambda.UpdateFunctionConfiguration": self._configure,
            "ecs.DescribeServices": lambda _: {"services": [self._service()] if self.deployments else []},
            "ecs.DescribeTaskDefinition": self._definition,
            "ecs.RegisterTaskDefinition": lambda p: self._described(self._register(p)),
            "ecs.UpdateService": self._update,
        }
        return copy.deepcopy(operations[f"{service}.{operation}"](params))

    @property
    def primary(self) -> Deployment:
        """What the service is being brought to."""
        return self.deployments[0]

    def delivered(self) -> Mapping[str, str]:
        """The secrets of the service's container, by name."""
        containers = self._found(self.primary.definition)["containerDefinitions"]
        return {one["name"]: one["valueFrom"] for one in containers[0].get("secrets", [])}

    def began(self, consumer: str) -> float:
        """Virtual second at which the processes of a consumer, `lambda` or `ecs`, began at the earliest."""
        if consumer == "lambda":
            return self.functions[FUNCTION].modified
        return next(one.created for one in self.deployments if not one.fails)

    # Lambda

    def _configuration(self, params: Mapping[str, Any]) -> dict[str, Any]:
        name = str(params["FunctionName"])
        if name == ROTATOR:
            return {"FunctionName": "rotate", "State": "Active", "LastModified": date(0).isoformat(), "RevisionId": "1"}
        if name not in self.functions:
            raise Fault("ResourceNotFoundException", f"Function not found: {name}", 404)
        function = self.functions[name]
        return {
            "FunctionName": name,
            "Environment": {"Variables": function.variables},
            "RevisionId": str(function.revision),
            "LastModified": date(function.modified).isoformat(),
            "LastUpdateStatus": "Successful" if self._clock() >= function.settled else "InProgress",
        }

    def _configure(self, params: Mapping[str, Any]) -> dict[str, Any]:
        self._configuration(params)
        function = self.functions[params["FunctionName"]]
        if self._clock() < function.settled:
            raise Fault("ResourceConflictException", "The operation cannot be performed at this time.", 409)
        if params.get("RevisionId") not in (None, str(function.revision)):
            raise Fault("PreconditionFailedException", "The RevisionId provided does not match the latest.", 412)
        function.variables = dict(params["Environment"]["Variables"])
        function.revision += 1
        function.modified, function.settled = self._clock(), self._clock() + self._delay()
        return self._configuration(params)

    # ECS

    def _register(self, params: Mapping[str, Any]) -> str:
        revision = len(self.revisions) + 1
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{params['family']}:{revision}"
        self.revisions.append({**copy.deepcopy(dict(params)), "taskDefinitionArn": arn, "revision": revision})
        return arn

    def _found(self, name: str) -> dict[str, Any]:
        wanted = name.rpartition("/")[2]
        found = [one for one in self.revisions if wanted in (one["family"], f"{one['family']}:{one['revision']}")]
        return found[-1]

    def _definition(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._described(params["taskDefinition"])

    def _described(self, name: str) -> dict[str, Any]:
        found = self._found(name)
        definition = {key: value for key, value in found.items() if key != "tags"}
        return {"taskDefinition": definition, "tags": found.get("tags", [])}

    def _update(self, params: Mapping[str, Any]) -> dict[str, Any]:
        definition = params.get("taskDefinition") or self.primary.definition
        if definition != self.primary.definition or params.get("forceNewDeployment"):
            self._deploy(definition)
        return {"service": self._service()}

    def _deploy(self, definition: str, due: float | None = None) -> None:
        number, now = len(self.deployments) + 1, self._clock()
        ends = now + self._delay() if due is None else due
        made = Deployment(number, definition, now, ends, fails=due is None and self._fails())
        self.deployments.insert(0, made)

    def _service(self) -> dict[str, Any]:
        shown = [self._shown(one) for one in self.deployments[:2]]
        return {
            "serviceName": SERVICE,
            "status": "ACTIVE",
            "taskDefinition": self.primary.definition,
            "deployments": shown,
            "deploymentController": {"type": "ECS"},
        }

    def _shown(self, one: Deployment) -> dict[str, Any]:
        over = self._clock() >= one.due
        state = ("FAILED" if one.fails else "COMPLETED") if over else "IN_PROGRESS"
        return {
            "id": f"ecs-svc/{one.number}",
            "status": "PRIMARY" if one is self.primary else "ACTIVE",
            "taskDefinition": one.definition,
            "rolloutState": state,
            "rolloutStateReason": f"deployment {state.lower()}",
            "createdAt": EPOCH + one.created,
            "desiredCount": 1,
        }
