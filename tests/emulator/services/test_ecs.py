"""Deployments of ECS services, the tasks that they start, and what these were started with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.emulator import LocalAws, StandInRole, reset_conditions, running_tasks, set_rollout_seconds
from secrets_pipeline.emulator.terraform import stand_in

if TYPE_CHECKING:
    from tests.emulator.conftest import Clients

ROLE = "arn:aws:iam::111122223333:role/ecs-tests"
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}],
}
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
ROLLING_BACK = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
CLUSTER = "tests"


class Service:
    """A service whose container gets one secret."""

    def __init__(self, aws: LocalAws, clients: Clients, name: str, configuration: Any) -> None:  # noqa: ANN401 - any deployment configuration
        self.aws, self.clients, self.name = aws, clients, name.partition("/")[0]
        stand_in(aws, [StandInRole(ROLE, "ecs-tasks.amazonaws.com")])
        self.readable(can=True)
        self.secret = clients.secrets.create_secret(Name=name, SecretString='{"password": "first"}')["ARN"]
        clients.ecs.create_cluster(clusterName=CLUSTER)
        self.register(self.secret)
        clients.ecs.create_service(
            cluster=CLUSTER,
            serviceName=self.name,
            taskDefinition=self.name,
            desiredCount=2,
            deploymentConfiguration=configuration,
        )

    def readable(self, *, can: bool) -> None:
        """Let the execution role read, or not."""
        iam = self.clients.iam
        if can:
            iam.put_role_policy(RoleName="ecs-tests", PolicyName="read", PolicyDocument=json.dumps(READ))
        else:
            iam.delete_role_policy(RoleName="ecs-tests", PolicyName="read")

    def register(self, source: str) -> str:
        """A revision whose container gets that."""
        secrets: Any = [{"name": "PASSWORD", "valueFrom": source}]
        done = self.clients.ecs.register_task_definition(
            family=self.name,
            executionRoleArn=ROLE,
            containerDefinitions=[{"name": "app", "image": "scratch", "memory": 128, "secrets": secrets}],
        )
        return done["taskDefinition"]["taskDefinitionArn"]

    def deploy(self, **more: Any) -> str:  # noqa: ANN401 - of UpdateService
        """Force a deployment; its id."""
        answer = self.clients.ecs.update_service(
            cluster=CLUSTER, service=self.name, **(more or {"forceNewDeployment": True})
        )
        return answer["service"]["deployments"][0]["id"]

    def rotate(self) -> str:
        return self.clients.secrets.put_secret_value(SecretId=self.secret, SecretString='{"password": "x"}')[
            "VersionId"
        ]

    def look(self) -> Any:  # noqa: ANN401 - a service as boto3 answers
        return self.clients.ecs.describe_services(cluster=CLUSTER, services=[self.name])["services"][0]

    def tasks(self, status: Any = "RUNNING") -> Any:  # noqa: ANN401 - tasks as boto3 answers
        ecs = self.clients.ecs
        arns = ecs.list_tasks(cluster=CLUSTER, serviceName=self.name, desiredStatus=status)["taskArns"]
        return ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []

    def versions(self) -> set[str]:
        """Version ids that the running tasks hold."""
        return {
            version
            for task in running_tasks(self.aws)
            if task.service == self.name
            for _, version in task.injected.values()
        }


@pytest.fixture
def service(aws: LocalAws, clients: Clients, name: str, request: pytest.FixtureRequest) -> Iterator[Service]:
    made = Service(aws, clients, name, getattr(request, "param", {}))
    yield made
    made.readable(can=True)
    reset_conditions(aws)


def wait(service: Service) -> None:
    service.clients.ecs.get_waiter("services_stable").wait(
        cluster=CLUSTER, services=[service.name], WaiterConfig={"Delay": 1, "MaxAttempts": 1}
    )


def test_tasks_keep_the_version_that_they_were_started_with_until_a_deployment_replaces_them(service: Service) -> None:
    wait(service)
    first = service.clients.secrets.describe_secret(SecretId=service.secret)["VersionIdsToStages"]
    before = service.tasks()
    assert service.versions() == set(first)
    assert len(before) == 2
    second = service.rotate()
    assert service.versions() == set(first)
    deployment = service.deploy()
    wait(service)
    assert service.versions() == {second}
    after = service.tasks()
    assert {one["startedBy"] for one in after} == {deployment}
    assert min(one["startedAt"] for one in after) > max(one["startedAt"] for one in before)
    stopped = service.tasks("STOPPED")
    assert {one["taskArn"] for one in stopped} == {one["taskArn"] for one in before}
    assert {one["stopCode"] for one in stopped} == {"ServiceSchedulerInitiated"}


def test_the_deployment_before_drains_while_a_new_one_is_in_progress(service: Service) -> None:
    old = service.look()["deployments"][0]
    set_rollout_seconds(service.aws, 3600)
    newest = service.register(f"{service.secret}:password::")
    service.deploy(taskDefinition=newest)
    primary, active = service.look()["deployments"]
    assert (primary["status"], primary["rolloutState"], primary["runningCount"]) == ("PRIMARY", "IN_PROGRESS", 0)
    assert primary["taskDefinition"] == newest
    assert (active["id"], active["status"], active["runningCount"]) == (old["id"], "ACTIVE", 2)
    assert {one["taskDefinitionArn"] for one in service.tasks()} == {old["taskDefinition"]}
    set_rollout_seconds(service.aws, 0)
    (done,) = service.look()["deployments"]
    assert (done["id"], done["rolloutState"], done["runningCount"]) == (primary["id"], "COMPLETED", 2)
    assert {one["taskDefinitionArn"] for one in service.tasks()} == {newest}


def test_without_a_circuit_breaker_a_service_tries_until_its_role_may_read(service: Service) -> None:
    old = service.tasks()
    service.readable(can=False)
    service.deploy()
    service.look()
    about = service.look()
    primary = about["deployments"][0]
    assert primary["rolloutState"] == "IN_PROGRESS"
    assert primary["failedTasks"] >= 2
    assert "is unable to consistently start tasks successfully" in about["events"][0]["message"]
    assert {one["taskArn"] for one in service.tasks()} == {one["taskArn"] for one in old}
    reason = service.tasks("STOPPED")[-1]["stoppedReason"]
    assert reason.startswith("ResourceInitializationError: unable to pull secrets")
    assert "is not authorized to perform: secretsmanager:GetSecretValue" in reason
    service.readable(can=True)
    wait(service)


@pytest.mark.parametrize("service", [BREAKER], indirect=True)
def test_the_circuit_breaker_fails_a_deployment(service: Service) -> None:
    service.readable(can=False)
    deployment = service.deploy()
    primary, active = service.look()["deployments"]
    assert (primary["id"], primary["status"], primary["rolloutState"]) == (deployment, "PRIMARY", "FAILED")
    assert "circuit breaker" in primary["rolloutStateReason"]
    assert active["runningCount"] == 2
    service.readable(can=True)
    service.deploy()
    wait(service)


@pytest.mark.parametrize("service", [ROLLING_BACK], indirect=True)
def test_the_circuit_breaker_goes_back_to_the_deployment_before(service: Service) -> None:
    before = service.look()
    service.readable(can=False)
    failed = service.deploy(taskDefinition=service.register(f"{service.secret}:password::"))
    after = service.look()
    primary, active = after["deployments"]
    assert (primary["id"], primary["status"]) == (before["deployments"][0]["id"], "PRIMARY")
    assert (active["id"], active["rolloutState"]) == (failed, "FAILED")
    assert after["taskDefinition"] == before["taskDefinition"]
    assert len(service.tasks()) == 2


@pytest.mark.parametrize("source", ["{arn}:user::", "{arn}::NOSUCH:", "{arn}-gone"])
def test_what_is_not_there_is_not_injected(service: Service, source: str) -> None:
    service.deploy(taskDefinition=service.register(source.format(arn=service.secret)))
    assert service.look()["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    assert "unable to retrieve secret from asm" in service.tasks("STOPPED")[-1]["stoppedReason"]


def test_a_service_is_scaled_without_a_deployment(service: Service) -> None:
    deployment = service.look()["deployments"][0]["id"]
    service.deploy(desiredCount=3)
    assert len(service.tasks()) == 3
    service.deploy(desiredCount=1)
    assert len(service.tasks()) == 1
    assert service.look()["deployments"][0]["id"] == deployment


def test_no_value_is_told(service: Service) -> None:
    shown = json.dumps([*service.tasks(), *map(str, running_tasks(service.aws))], default=str)
    assert "first" not in shown


@pytest.mark.parametrize("service", [ROLLING_BACK], indirect=True)
def test_a_forced_deployment_that_was_rolled_back_leaves_the_older_one_as_it_was(service: Service) -> None:
    before = service.look()["deployments"][0]
    service.readable(can=False)
    failed = service.deploy()
    primary, active = service.look()["deployments"]
    assert (primary["id"], primary["createdAt"]) == (before["id"], before["createdAt"])
    assert active["id"] == failed


def test_a_container_without_memory_shares_that_of_its_task_and_the_task_is_in_the_network(clients: Clients) -> None:
    vpc = clients.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    clients.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = clients.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    clients.ecs.create_cluster(clusterName=CLUSTER)
    clients.ecs.register_task_definition(
        family="alone",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="512",
        memory="1024",
        containerDefinitions=[{"name": "run", "image": "image"}],
    )
    (task,) = clients.ecs.run_task(
        cluster=CLUSTER,
        taskDefinition="alone",
        launchType="FARGATE",
        networkConfiguration={
            "awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [], "assignPublicIp": "DISABLED"}
        },
    )["tasks"]
    (interface,) = task["attachments"]
    assert {"name": "subnetId", "value": subnet} in interface["details"]


@pytest.mark.parametrize(("controller", "said"), [("CODE_DEPLOY", "Use AWS CodeDeploy"), ("EXTERNAL", "EXTERNAL")])
def test_a_service_that_ecs_does_not_deploy_gets_no_task_definition(
    clients: Clients, service: Service, controller: str, said: str
) -> None:
    other = f"{service.name}-{controller}"
    asked: Any = {"taskDefinition": service.name} if controller == "CODE_DEPLOY" else {}
    asked |= {"cluster": CLUSTER, "serviceName": other, "deploymentController": {"type": controller}}
    clients.ecs.create_service(**asked)
    with pytest.raises(clients.ecs.exceptions.InvalidParameterException, match=said):
        clients.ecs.update_service(cluster=CLUSTER, service=other, taskDefinition=service.name)
    assert clients.ecs.update_service(cluster=CLUSTER, service=other, desiredCount=2)["service"]["desiredCount"] == 2
