"""deploy/aws/ecs.yaml with the launcher of deploy/launchers/ecs.yaml: one task of ECS a run, on the embedded AWS.

The embedded AWS runs no containers: this test executes the command that a task was given, with the variables of its
task definition.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest

from secrets_pipeline.operations.revision.model import COMMIT_VARIABLE
from secrets_pipeline.orchestration.shared.run_requests import COMMIT_TAG
from tests.deploy.compose_file import POSTGRES, Service, image_environment, services
from tests.deploy.composed import Composed, await_partitions, composed
from tests.deploy.images import IMAGE, Images
from tests.deploy.templates import parameters, request_of, template
from tests.e2e.deployment import ENDED, Deployment, Run
from tests.embedded import lead_to
from tests.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_ecs.client import ECSClient

STACK: Final = "infra-shared"
RUN: Final = Service("run", IMAGE, (), {}, (), ())
COMMITS: Final = {"image@sha256:a": "a" * 40, "image@sha256:b": "b" * 40}
"""Image → the commit of the Atmos repository in it: that of the code server, and that of an update's daemon."""
DECIDING, DEPLOYED = COMMITS


@dataclass(frozen=True)
class Launched:
    """A run and its task, as ECS shows it.

    Attributes:
        task: of DescribeTasks.
        definition: of DescribeTaskDefinition.
        families: of all task definitions, before and after.
        ground: where the daemon's task runs.
        run: how it ended.
    """

    task: Mapping[str, Any]
    definition: Mapping[str, Any]
    families: tuple[list[str], list[str]]
    ground: Ground
    run: Run


@pytest.fixture(scope="module")
def launched(images: Images) -> Iterator[Launched]:
    with ExitStack() as stack:
        made = stack.enter_context(composed(images.environments, images.repository))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        made.start("aws")
        made.start(POSTGRES)
        lead_to(made.aws, patch)
        ecs: Any = boto3.client("ecs")
        ground = _prepare(made, ecs)
        here = stack.enter_context(_metadata(ground.cluster, _run_daemon_task(ecs, ground)["taskArn"]))
        for name, definition in ground.services.items():
            given = made.translated(_variables(ecs, definition), services()[name])
            reached = {key: value for key, value in given.items() if not key.startswith("SECRETS_PIPELINE_CODE")}
            made.start(name, **reached, **made.aws.environment(), ECS_CONTAINER_METADATA_URI_V4=here)
        before = ecs.list_task_definitions()["taskDefinitionArns"]
        deployment = Deployment(made.url)
        await_partitions(deployment, [STACK])
        run_id = deployment.launch("provision", partition=STACK, tags={COMMIT_TAG: COMMITS[DECIDING]})
        task = eventually(lambda: _task_of(ecs, ground.cluster, run_id), "the task of the run")
        _execute(made, ecs, task)
        definition = ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
        after = ecs.list_task_definitions()["taskDefinitionArns"]
        yield Launched(task, definition, (before, after), ground, deployment.ended(run_id))


@dataclass(frozen=True)
class Ground:
    """What stands for the rest of the template, with its task definitions as ECS has them.

    Attributes:
        run: that of a run, of the code server's image.
        services: service of compose.yaml → its own; webserver and daemon are of an update.
    """

    cluster: str
    subnet: str
    group: str
    run: str
    services: Mapping[str, str]


def _prepare(made: Composed, ecs: Any) -> Ground:  # noqa: ANN401 - boto3-stubs' client, whose parameters are a file's here
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="daemon", Description="daemon", VpcId=vpc)["GroupId"]
    secrets = boto3.client("secretsmanager")
    password = services()[POSTGRES].environment["POSTGRES_PASSWORD"]
    # By default the launcher would hand this one to every run.
    secrets.create_secret(Name="not-for-runs", SecretString="x", Tags=[{"Key": "dagster", "Value": ""}])
    known = {
        **parameters("ecs"),
        "AWS::Region": made.aws.region,
        "AWS::StackName": "secrets",
        "Image": DECIDING,
        "PipelineRoleArn": f"arn:aws:iam::{made.aws.account_id}:role/pipeline",
        "ExecutionRole.Arn": f"arn:aws:iam::{made.aws.account_id}:role/execution",
        "DaemonRole.Arn": f"arn:aws:iam::{made.aws.account_id}:role/daemon",
        "WebserverRole.Arn": f"arn:aws:iam::{made.aws.account_id}:role/webserver",
        "Logs": "logs",
        "Database.Endpoint.Address": "127.0.0.1",
        "Database.Endpoint.Port": made.ports["5432"],
        "DatabasePassword": secrets.create_secret(Name="dagster-postgres", SecretString=password)["ARN"],
    }
    resources = template("ecs")["Resources"]
    registered: dict[str, str] = {}
    updated = ("RunTask", "WebserverTask", "DaemonTask")
    for image, names in ((DECIDING, ("RunTask", "CodeServerTask")), (DEPLOYED, updated)):
        known["Image"] = image
        for name in names:
            request = request_of(resources[name]["Properties"], known, {"VerifiesDatabase": False})
            known[name] = ecs.register_task_definition(**request)["taskDefinition"]["taskDefinitionArn"]
            registered.setdefault(name, known[name])
    assert set(registered) == {name for name, one in resources.items() if one["Type"] == "AWS::ECS::TaskDefinition"}
    assert registered["RunTask"] != known["RunTask"]
    cluster = ecs.create_cluster(clusterName="secrets")["cluster"]["clusterArn"]
    started = {"code-server": "CodeServerTask", "daemon": "DaemonTask", "webserver": "WebserverTask"}
    return Ground(
        cluster, subnet, group, registered["RunTask"], {service: registered[one] for service, one in started.items()}
    )


def _run_daemon_task(ecs: ECSClient, ground: Ground) -> Mapping[str, Any]:
    (task,) = ecs.run_task(
        cluster=ground.cluster,
        taskDefinition=ground.services["daemon"],
        launchType="FARGATE",
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": [ground.subnet],
                "securityGroups": [ground.group],
                "assignPublicIp": "DISABLED",
            }
        },
    )["tasks"]
    found: Mapping[str, Any] = task
    return found


@contextmanager
def _metadata(cluster: str, task: str) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html."""
    body = json.dumps({"Cluster": cluster, "TaskARN": task}).encode()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/v4/task"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v4"
        server.shutdown()


def _task_of(ecs: ECSClient, cluster: str, run_id: str) -> Mapping[str, Any] | None:
    arns = ecs.list_tasks(cluster=cluster)["taskArns"]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns, include=["TAGS"])["tasks"] if arns else []
    return next((one for one in tasks if {"key": "dagster/run_id", "value": run_id} in one.get("tags", ())), None)


def _variables(ecs: ECSClient, definition: str) -> dict[str, str]:
    """The variables of the container of a task definition, secrets read as ECS's agent does."""
    (container,) = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]["containerDefinitions"]
    secrets = boto3.client("secretsmanager")
    read = {
        one["name"]: secrets.get_secret_value(SecretId=one["valueFrom"])["SecretString"] for one in container["secrets"]
    }
    given = {one["name"]: one["value"] for one in container["environment"]}
    return {COMMIT_VARIABLE: COMMITS[container["image"]], **given, **read}


def _execute(made: Composed, ecs: ECSClient, task: Mapping[str, Any]) -> None:
    (override,) = task["overrides"]["containerOverrides"]
    scratch = made.scratch(RUN)
    scratch.mkdir()
    variables = {**image_environment(), **_variables(ecs, task["taskDefinitionArn"])}
    environment = {**made.translated(variables, RUN), "PGSSLMODE": "disable", **made.aws.environment()}
    program = made.environments[IMAGE] / "bin" / override["command"][0]
    command = [program, *override["command"][1:]]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=scratch, env=environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_a_run_is_a_task_that_ends_well(launched: Launched) -> None:
    assert launched.run.status in ENDED
    assert (launched.run.status, launched.run.failures()) == ("SUCCESS", [])
    assert ("stack_report", STACK) in launched.run.materialized


def test_its_task_is_of_the_image_that_decided_it_though_the_daemon_is_of_an_update(launched: Launched) -> None:
    assert launched.task["taskDefinitionArn"] == launched.ground.run
    (container,) = launched.definition["containerDefinitions"]
    assert container["image"] == DECIDING


def test_its_task_is_that_of_the_template_with_the_command_of_the_run(launched: Launched) -> None:
    (override,) = launched.task["overrides"]["containerOverrides"]
    assert (override["name"], override["command"][:3]) == ("run", ["dagster", "api", "execute_run"])
    assert (launched.task["overrides"]["cpu"], launched.task["overrides"]["memory"]) == ("512", "1024")
    (container,) = launched.definition["containerDefinitions"]
    assert launched.definition["family"] == "secrets-run"
    assert (container["readonlyRootFilesystem"], container["user"]) == (True, "10001:10001")


def test_it_runs_where_the_daemon_runs(launched: Launched) -> None:
    (interface,) = launched.task["attachments"]
    details = {one["name"]: one["value"] for one in interface["details"]}
    assert details["subnetId"] == launched.ground.subnet
    (found,) = boto3.client("ec2").describe_network_interfaces(NetworkInterfaceIds=[details["networkInterfaceId"]])[
        "NetworkInterfaces"
    ]
    assert [one["GroupId"] for one in found["Groups"]] == [launched.ground.group]


def test_no_task_definition_is_registered_and_no_secret_of_others_is_handed_to_a_run(launched: Launched) -> None:
    before, after = launched.families
    assert before == after
    (container,) = launched.definition["containerDefinitions"]
    assert [one["name"] for one in container["secrets"]] == ["DAGSTER_PG_PASSWORD"]
    assert "secrets" not in launched.task["overrides"]["containerOverrides"][0]
