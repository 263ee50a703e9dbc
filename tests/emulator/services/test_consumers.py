"""Lambda, ECS and API Gateway, and the stand-in for Terraform that makes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.emulator import (
    LocalAws,
    StandInFunction,
    StandInRole,
    StandInService,
    StandInStage,
    calls,
    reset_calls,
    stand_in,
)

if TYPE_CHECKING:
    from tests.emulator.conftest import Clients, Refused

EXECUTION, TASK = "arn:aws:iam::111122223333:role/ecs/orders-exec", "arn:aws:iam::111122223333:role/orders-task"
FOREIGN = "arn:aws:iam::444455556666:role/reports"
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}],
}
RESOURCES = (
    StandInFunction("worker", TASK, invoked_by=("secretsmanager.amazonaws.com",)),
    StandInFunction("reports", FOREIGN, account_id="444455556666"),
    StandInService("shop", "orders", "orders-family", "app", EXECUTION, TASK),
    StandInStage("shop-api", "dev"),
    StandInRole(EXECUTION, "ecs-tasks.amazonaws.com", policies={"read": READ}),
    StandInRole(TASK, "lambda.amazonaws.com"),
    StandInRole(FOREIGN, "lambda.amazonaws.com"),
)


@pytest.fixture(scope="module")
def consumers(aws: LocalAws, clients: Clients) -> Clients:
    stand_in(aws, RESOURCES)
    return clients


def stage_of(clients: Clients) -> str:
    return next(one["id"] for one in clients.apigateway.get_rest_apis()["items"] if one["name"] == "shop-api")


def test_a_second_stand_in_creates_nothing(aws: LocalAws, consumers: Clients) -> None:
    apis = len(consumers.apigateway.get_rest_apis()["items"])
    reset_calls(aws)
    stand_in(aws, RESOURCES)
    created = {one.operation for one in calls(aws) if one.status < 300 and one.operation.startswith(("Create", "Reg"))}
    assert created == {"CreateCluster"}  # which is idempotent
    assert len(consumers.apigateway.get_rest_apis()["items"]) == apis
    assert consumers.in_account("444455556666").functions.get_function(FunctionName="reports")


def test_a_function_runs_its_own_code_and_reports_what_it_raises(consumers: Clients) -> None:
    consumers.functions.update_function_configuration(
        FunctionName="worker", Environment={"Variables": {"SECRET_ARN": "arn"}}
    )
    done = consumers.functions.invoke(FunctionName="worker", Payload=b"{}")
    assert "SECRET_ARN" in json.loads(done["Payload"].read())["variables"]
    consumers.functions.update_function_configuration(FunctionName="worker", Handler="index.missing")
    failed = consumers.functions.invoke(FunctionName="worker")
    assert failed["FunctionError"] == "Unhandled"
    assert json.loads(failed["Payload"].read())["errorType"] == "AttributeError"


def test_a_stale_revision_id_is_refused(consumers: Clients, refused: Refused) -> None:
    functions = consumers.functions
    stale = functions.get_function_configuration(FunctionName="worker")["RevisionId"]
    newer = functions.update_function_configuration(FunctionName="worker", Description="a", RevisionId=stale)
    assert newer["RevisionId"] != stale
    with refused("PreconditionFailedException"):
        functions.update_function_configuration(FunctionName="worker", Description="b", RevisionId=stale)
    assert functions.get_function_configuration(FunctionName="worker")["Description"] == "a"


def test_an_environment_over_four_kilobytes_is_refused(consumers: Clients, refused: Refused) -> None:
    with refused("InvalidParameterValueException"):
        consumers.functions.update_function_configuration(
            FunctionName="worker", Environment={"Variables": {"A": "x" * 4096}}
        )


def test_a_statement_id_is_taken_once(consumers: Clients, refused: Refused) -> None:
    with refused("ResourceConflictException"):
        consumers.functions.add_permission(
            FunctionName="worker", StatementId="secretsmanager", Action="lambda:InvokeFunction", Principal="s3"
        )


def test_a_new_task_definition_is_deployed_and_the_service_is_stable(consumers: Clients) -> None:
    before = consumers.ecs.describe_services(cluster="shop", services=["orders"])["services"][0]
    arn = consumers.secrets.create_secret(Name="of-a-task-definition", SecretString="value")["ARN"]
    secrets: Any = [{"name": "PASSWORD", "valueFrom": arn}]
    newer = consumers.ecs.register_task_definition(
        family="orders-family",
        executionRoleArn=EXECUTION,
        taskRoleArn=TASK,
        containerDefinitions=[{"name": "app", "image": "scratch", "memory": 128, "secrets": secrets}],
    )["taskDefinition"]["taskDefinitionArn"]
    consumers.ecs.update_service(cluster="shop", service="orders", taskDefinition="orders-family")
    consumers.ecs.get_waiter("services_stable").wait(
        cluster="shop", services=["orders"], WaiterConfig={"Delay": 1, "MaxAttempts": 2}
    )
    after = consumers.ecs.describe_services(cluster="shop", services=["orders"])["services"][0]
    assert before["taskDefinition"].endswith("orders-family:1")
    assert after["taskDefinition"] == newer
    assert [(one["status"], one["taskDefinition"]) for one in after["deployments"]] == [("PRIMARY", newer)]
    assert after["deployments"][0]["id"] != before["deployments"][0]["id"]


def test_container_secrets_need_an_execution_role(consumers: Clients, refused: Refused) -> None:
    with refused("ClientException"):
        consumers.ecs.register_task_definition(
            family="x", containerDefinitions=[{"name": "a", "secrets": [{"name": "A", "valueFrom": "b"}]}]
        )


def test_a_stage_variable_takes_an_arn_but_not_every_secrets_name(consumers: Clients, refused: Refused) -> None:
    api = stage_of(consumers)

    def put(value: str, variable: str = "secret_arn") -> dict[str, str]:
        operation = {"op": "replace", "path": f"/variables/{variable}", "value": value}
        return consumers.apigateway.update_stage(restApiId=api, stageName="dev", patchOperations=[operation])[  # type: ignore[list-item] # stubs want literals
            "variables"
        ]

    arn = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:myapp/dev/database-AbCdEf"
    assert put(arn) == {"secret_arn": arn}
    for wrong in ("a+b", "a@b", "a b", ""):
        with refused("BadRequestException"):
            put(wrong)
    with refused("BadRequestException"):
        put("fine", variable="not-fine")
    with refused("NotFoundException"):
        consumers.apigateway.update_stage(restApiId=api, stageName="missing", patchOperations=[])


def test_a_stage_says_when_it_changed_and_keeps_its_variables_when_it_is_deployed_again(consumers: Clients) -> None:
    api, client = stage_of(consumers), consumers.apigateway
    variable: Any = [{"op": "replace", "path": "/variables/kept", "value": "yes"}]
    before = client.update_stage(restApiId=api, stageName="dev", patchOperations=variable)
    deployment = client.create_deployment(restApiId=api)["id"]
    deployed: Any = [{"op": "replace", "path": "/deploymentId", "value": deployment}]
    after = client.update_stage(restApiId=api, stageName="dev", patchOperations=deployed)
    assert after["lastUpdatedDate"] > before["lastUpdatedDate"] > before["createdDate"]
    assert (after["deploymentId"], after["variables"]["kept"]) == (deployment, "yes")
    newest = client.create_deployment(restApiId=api, stageName="dev")["id"]
    again = client.get_stage(restApiId=api, stageName="dev")
    assert (again["deploymentId"], again["variables"]["kept"]) == (newest, "yes")
    assert again["createdDate"] == before["createdDate"]


def test_a_function_touched_without_a_change_is_another_revision(consumers: Clients) -> None:
    functions = consumers.functions
    before = functions.get_function_configuration(FunctionName="worker")
    after = functions.update_function_configuration(FunctionName="worker", RevisionId=before["RevisionId"])
    assert after["RevisionId"] != before["RevisionId"]
    assert after["LastModified"] > before["LastModified"]
