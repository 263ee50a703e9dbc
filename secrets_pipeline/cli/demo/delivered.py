"""What consumers of a stack hold, read back from AWS: the evidence that ARNs arrived."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.consumer.model import EcsDelivery, LambdaDelivery, StageDelivery

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

PARAMETER = "ssm parameter"
"""The place of what a stack publishes."""
_OUTPUTS = "/secrets-pipeline"
_ARNS = "/secret_arns"
"""Beside the ARNs stand notes of what was delivered."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One entry that a consumer holds.

    Attributes:
        place: for example `lambda myapp-dev-worker`.
        name: variable, secret or key.
        value: an ARN, or another plain reference; never a secret.
    """

    place: str
    name: str
    value: str


def delivered(stack: Stack) -> list[Delivered]:
    """Everything that the stack delivers to its consumers, and what it publishes, as AWS holds it now."""
    found: list[Delivered] = []
    for delivery in stack.spec.deliveries:
        if not delivery.deliver:
            continue
        match delivery:
            case LambdaDelivery():
                found += _lambda(stack.account, delivery)
            case EcsDelivery():
                found += _ecs(stack.account, delivery)
            case StageDelivery():
                found += _stage(stack.account, delivery)
    return [*found, *_published(stack.account, stack.spec.stack)]


def _lambda(account: AwsAccount, delivery: LambdaDelivery) -> Iterator[Delivered]:
    with calling("GetFunctionConfiguration", delivery.function_name):
        answer = account.client("lambda").get_function_configuration(FunctionName=delivery.function_name)
    variables = answer.get("Environment", {}).get("Variables", {})
    for name in delivery.environment:
        if name in variables:
            yield Delivered(f"lambda {delivery.function_name}", name, variables[name])


def _ecs(account: AwsAccount, delivery: EcsDelivery) -> Iterator[Delivered]:
    client = account.client("ecs")
    with calling("DescribeServices", delivery.service):
        services = client.describe_services(cluster=delivery.cluster, services=[delivery.service])["services"]
    for service in services:
        with calling("DescribeTaskDefinition", service["taskDefinition"]):
            answer = client.describe_task_definition(taskDefinition=service["taskDefinition"])
        for container in answer["taskDefinition"]["containerDefinitions"]:
            if container["name"] == delivery.container:
                entries = {entry["name"]: entry["valueFrom"] for entry in container.get("secrets", [])}
                entries |= {
                    entry["name"]: entry["value"]
                    for entry in container.get("environment", [])
                    if entry["name"] in delivery.environment
                }
                for name, value in entries.items():
                    yield Delivered(f"ecs {delivery.service}", name, value)


def _stage(account: AwsAccount, delivery: StageDelivery) -> Iterator[Delivered]:
    client = account.client("apigateway")
    with calling("GetRestApis", "of the account"):
        ids = [api["id"] for api in pages(client, "get_rest_apis") if api["name"] == delivery.api_name]
    for api_id in ids:
        with calling("GetStage", delivery.stage_name):
            variables = client.get_stage(restApiId=api_id, stageName=delivery.stage_name).get("variables", {})
        for name in delivery.variables:
            if name in variables:
                yield Delivered(f"apigateway {delivery.api_name}/{delivery.stage_name}", name, variables[name])


def _published(account: AwsAccount, stack: str) -> Iterator[Delivered]:
    path = f"{_OUTPUTS}/{stack}/"
    with calling("GetParametersByPath", path):
        found = list(pages(account.client("ssm"), "get_parameters_by_path", Path=path, Recursive=True))
    for parameter in (one for one in found if _ARNS in one["Name"]):
        keys = ", ".join(json.loads(parameter["Value"]))
        yield Delivered(PARAMETER, parameter["Name"], f"{{{keys}}}")
