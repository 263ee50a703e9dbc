"""Beliefs about deliveries: tags of AWS's own on a task definition, and the rate of API Gateway's deployments."""

from __future__ import annotations

from secrets_pipeline.operations.experiment.beliefs.model import Belief, named
from secrets_pipeline.operations.experiment.contract import Step

_ECS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html"
_API_GATEWAY = "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"
_METHOD = {"restApiId": "<api>", "resourceId": "<root>", "httpMethod": "GET"}


def _deployment(*, refused: bool = False) -> Step:
    return Step("apigateway", "CreateDeployment", {"restApiId": "<api>"}, refused=refused)


BELIEFS = (
    Belief(
        "tags-of-aws",
        "RegisterTaskDefinition refuses a tag whose key begins with `aws:`",
        _ECS,
        (
            Step(
                "ecs",
                "RegisterTaskDefinition",
                {
                    "family": named("task"),
                    "containerDefinitions": [{"name": "a", "image": "scratch", "memory": 8}],
                    "tags": [{"key": "aws:doctor", "value": "1"}],
                },
                refused=True,
            ),
        ),
    ),
    Belief(
        "rate-of-deployments",
        "CreateDeployment is answered once in five seconds an account",
        _API_GATEWAY,
        (
            Step("apigateway", "CreateRestApi", {"name": named("api")}, keeps={"api": "id"}),
            Step("apigateway", "GetResources", {"restApiId": "<api>"}, keeps={"root": "items[0].id"}),
            Step("apigateway", "PutMethod", {**_METHOD, "authorizationType": "NONE"}),
            Step(
                "apigateway",
                "PutIntegration",
                {**_METHOD, "type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}},
            ),
            _deployment(),
            _deployment(refused=True),
            _deployment(refused=True),
        ),
    ),
)
