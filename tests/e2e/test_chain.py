"""The whole chain through Dagster on the embedded AWS, seen with plain boto3 and a plain PostgreSQL client."""

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

import boto3
import pg8000.dbapi
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.engine.only import Approved
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.planning.plan_file import PlannedStack
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.orchestration.checks import CHECKS
from secrets_pipeline.orchestration.in_process.running import CheckRow, RunReport, provision, verify
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.runs import assert_applied

STACKS = ("infra-shared", "myapp-dev", "myapp-prod")
NINE = {
    "myapp/dev/database/credentials",
    "myapp/dev/database/connection",
    "myapp/dev/api/api-key",
    "myapp/dev/api/oauth-config",
    "myapp/prod/database/credentials",
    "myapp/prod/database/connection",
    "myapp/prod/api/api-key",
    "myapp/prod/api/oauth-config",
    "infra/shared/network/vpn-config",
}
EVERY_CHECK = {check.name for check in CHECKS}
READ_VALUES, PROBE = {"credentials_log_in", "secret_values_well_formed"}, {"probe_agrees"}
NEEDS_ROTATION_OR_REPLICAS = {
    "rotation_not_overdue",
    "rotation_functions_as_declared",
    "rotation_function_invokable",
    "secret_rotation_as_declared",
    "secret_replicas_as_declared",
}
"""Checks that have nothing to judge in myapp-dev, which rotates and replicates nothing."""
READS = ("Describe", "List", "Get", "BatchGet", "GenerateMac", "AssumeRole")

Applied = dict[str, tuple[RunReport, tuple[CheckRow, ...]]]


@pytest.fixture(scope="module")
def applied(aws: emulator.LocalAws, repository: Path) -> Applied:
    """Every stack, provisioned once; the richest by its approved plan, from which nothing may be missing."""
    return {stack: provision(stack, base_path=repository, options=asked(repository, stack)) for stack in STACKS}


def asked(repository: Path, stack: str) -> ApplyOptions:
    return ApplyOptions(only=(approved(repository, stack),) if stack == "myapp-prod" else ())


def approved(repository: Path, stack: str) -> Approved:
    """What a plan file of a stack allows, where nothing was applied of it yet."""
    desired = open_repository(repository)
    planned = plan_stack(desired.assemble(Sessions(read_only=True)).stack(stack))
    return PlannedStack.of("111122223333", "eu-west-2", desired.digest(stack), planned).approved


def value_of(boto: boto3.Session, name: str) -> str:
    return boto.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]


def log_in(document: dict[str, str], password: str) -> None:
    pg8000.dbapi.connect(
        user=document["username"],
        host=document["host"],
        port=int(document["port"]),
        database=document["dbname"],
        password=password,
    ).close()


def test_every_run_succeeds_and_every_check_is_green(applied: Applied) -> None:
    for report, checks in applied.values():
        assert_applied(report)
        assert not [row for row in report.rows if row["outcome"] in ("failed", "skipped")]
        assert [check for check in checks if not check.passed] == []
    ran = {stack: {check.check for check in checks} for stack, (_, checks) in applied.items()}
    assert set().union(*ran.values()) == EVERY_CHECK - READ_VALUES - PROBE - {"secret_replicas_as_declared"}
    assert ran["myapp-dev"] == EVERY_CHECK - READ_VALUES - PROBE - NEEDS_ROTATION_OR_REPLICAS


def test_the_nine_secrets_exist_by_name_with_tags_under_the_declared_key(applied: Applied, boto: boto3.Session) -> None:
    client, kms = boto.client("secretsmanager"), boto.client("kms")
    secrets = {entry["Name"]: entry for entry in client.list_secrets(MaxResults=100)["SecretList"]}
    assert set(secrets) >= NINE
    key = kms.describe_key(KeyId="alias/myapp-dev")["KeyMetadata"]["Arn"]
    entry = secrets["myapp/dev/database/credentials"]
    assert entry["KmsKeyId"] == key
    tags = {tag["Key"]: tag["Value"] for tag in entry["Tags"]}
    assert tags["Organisation"] == "acme"
    assert tags["secrets-pipeline:stack"] == "myapp-dev"
    assert tags["secrets-pipeline:component"] == "secretsmanager/database"
    assert tags["secrets-pipeline:key"] == "credentials"
    assert tags["secrets-pipeline:value-version"].partition(".")[0] in entry["SecretVersionsToStages"]


def test_the_key_rotates_and_its_policy_lets_the_foreign_reader_decrypt_through_secrets_manager(
    applied: Applied, boto: boto3.Session
) -> None:
    kms = boto.client("kms")
    key_id = kms.describe_key(KeyId="alias/myapp-prod")["KeyMetadata"]["KeyId"]
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]
    statements = json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"])["Statement"]
    readers = next(statement for statement in statements if statement["Sid"] == "SecretsPipelineReaders")
    assert readers["Principal"] == {"AWS": ["arn:aws:iam::444455556666:role/myapp-prod-reports"]}
    assert readers["Condition"] == {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-2.amazonaws.com"}}
    assert kms.describe_key(KeyId="alias/secrets/infra/shared")["KeyMetadata"]["Enabled"]


def test_resource_policies_hold_what_the_stack_declares_and_the_foreign_reader(
    applied: Applied, boto: boto3.Session
) -> None:
    client = boto.client("secretsmanager")
    oauth = json.loads(client.get_resource_policy(SecretId="myapp/dev/api/oauth-config")["ResourcePolicy"])
    assert [statement["Sid"] for statement in oauth["Statement"]] == ["DenyInsecureTransport"]
    connection = json.loads(client.get_resource_policy(SecretId="myapp/dev/database/connection")["ResourcePolicy"])
    assert connection["Statement"][0]["Principal"] == {"AWS": ["arn:aws:iam::444455556666:role/myapp-dev-reports"]}


def test_rotation_is_on_in_production_by_rule_and_rotated_nothing(applied: Applied, boto: boto3.Session) -> None:
    client = boto.client("secretsmanager")
    credentials = client.describe_secret(SecretId="myapp/prod/database/credentials")
    assert credentials["RotationEnabled"]
    assert credentials["RotationRules"] == {"ScheduleExpression": "cron(0 4 ? * SUN *)", "Duration": "3h"}
    assert credentials["RotationLambdaARN"].endswith(":function:secrets-pipeline-rotation-myapp-prod")
    assert not any("AWSPENDING" in stages for stages in credentials["VersionIdsToStages"].values())
    assert client.describe_secret(SecretId="myapp/prod/api/api-key")["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert not client.describe_secret(SecretId="myapp/dev/api/api-key").get("RotationEnabled")


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_database_accepts_the_password_in_the_secret_and_refuses_another(
    applied: Applied, boto: boto3.Session, environment: str
) -> None:
    credentials = json.loads(value_of(boto, f"myapp/{environment}/database/credentials"))
    assert list(credentials) == ["engine", "host", "port", "username", "password", "dbname"] or set(credentials) == {
        "engine",
        "host",
        "port",
        "username",
        "password",
        "dbname",
    }
    log_in(credentials, credentials["password"])
    with pytest.raises(pg8000.dbapi.DatabaseError, match="28P01"):
        log_in(credentials, credentials["password"][::-1] + "x")


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_connection_secret_carries_host_port_and_a_url_that_logs_in(
    applied: Applied, boto: boto3.Session, environment: str
) -> None:
    connection = json.loads(value_of(boto, f"myapp/{environment}/database/connection"))
    (instance,) = boto.client("rds").describe_db_instances(DBInstanceIdentifier=f"myapp-{environment}")["DBInstances"]
    assert connection["host"] == instance["Endpoint"]["Address"]
    assert connection["port"] == instance["Endpoint"]["Port"]
    url = urlsplit(connection["url"])
    document = {
        "username": unquote(url.username or ""),
        "host": url.hostname or "",
        "port": str(url.port),
        "dbname": url.path.lstrip("/"),
    }
    log_in(document, unquote(url.password or ""))


def test_a_value_rendered_from_another_secret_holds_it(applied: Applied, boto: boto3.Session) -> None:
    oauth = json.loads(value_of(boto, "myapp/dev/api/oauth-config"))
    assert oauth["client_secret"] == value_of(boto, "myapp/dev/api/api-key")
    assert oauth["issuer"] == "https://dev.login.acme.example"
    vpn = json.loads(value_of(boto, "infra/shared/network/vpn-config"))
    assert vpn["pre_shared_key"] == value_of(boto, "infra/shared/network/vpn-pre-shared-key")


def test_lambda_ecs_and_api_gateway_carry_the_arns(applied: Applied, boto: boto3.Session) -> None:
    arn = {
        name: boto.client("secretsmanager").describe_secret(SecretId=f"myapp/dev/{name}")["ARN"]
        for name in ("api/api-key", "api/oauth-config", "database/connection")
    }
    function = boto.client("lambda").get_function_configuration(FunctionName="myapp-dev-worker")
    variables = function["Environment"]["Variables"]
    assert variables["API_KEY_ARN"] == arn["api/api-key"]
    assert variables["DATABASE_SECRET_ARN"] == arn["database/connection"]
    ecs = boto.client("ecs")
    (service,) = ecs.describe_services(cluster="myapp", services=["orders-dev"])["services"]
    definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    injected = {s["name"]: s["valueFrom"] for s in definition["containerDefinitions"][0]["secrets"]}
    assert injected == {"DATABASE_URL": f"{arn['database/connection']}:url::", "OAUTH_CONFIG": arn["api/oauth-config"]}
    gateway = boto.client("apigateway")
    api = next(item["id"] for item in gateway.get_rest_apis()["items"] if item["name"] == "myapp-dev")
    stage = gateway.get_stage(restApiId=api, stageName="dev")["variables"]
    assert stage == {"apiKeyArn": arn["api/api-key"], "worker": "myapp-dev-worker"}
    published = boto.client("ssm").get_parameter(Name="/secrets-pipeline/myapp-dev/secretsmanager/api/secret_arns")
    assert json.loads(published["Parameter"]["Value"]) == {
        "api_key": arn["api/api-key"],
        "oauth_config": arn["api/oauth-config"],
    }


def test_no_seal_is_left_behind(applied: Applied, home: Path) -> None:
    assert not [path for path in home.rglob("*") if "seal" in path.name and path.is_file()]


def test_a_second_apply_with_its_checks_writes_nothing_and_reads_no_value(
    applied: Applied, aws: emulator.LocalAws, repository: Path
) -> None:
    emulator.reset_calls(aws)
    for stack in STACKS:
        report, checks = provision(stack, base_path=repository, options=ApplyOptions())
        assert_applied(report)
        assert {row["outcome"] for row in report.rows} <= {"unchanged"}
        assert [check for check in checks if not check.passed] == []
    made = emulator.calls(aws)
    assert made
    assert [call for call in made if not call.operation.startswith(READS)] == []
    assert [call for call in made if call.operation in ("GetSecretValue", "BatchGetSecretValue")] == []
    listed = sum(call.count for call in made if call.service == "secretsmanager")
    assert listed == len(STACKS)


def test_the_verification_reads_values_and_logs_in(applied: Applied, aws: emulator.LocalAws, repository: Path) -> None:
    emulator.reset_calls(aws)
    checks = verify("myapp-dev", base_path=repository)
    assert {check.check for check in checks} == EVERY_CHECK - PROBE - NEEDS_ROTATION_OR_REPLICAS
    assert [check for check in checks if not check.passed] == []
    made = {call.operation for call in emulator.calls(aws)}
    assert "GetSecretValue" in made
    assert all(operation.startswith(READS) for operation in made)


def test_a_tag_changed_by_hand_is_planned_as_drift_and_put_back(
    applied: Applied, aws: emulator.LocalAws, boto: boto3.Session, repository: Path
) -> None:
    client = boto.client("secretsmanager")
    before = value_of(boto, "myapp/dev/api/api-key")
    client.tag_resource(SecretId="myapp/dev/api/api-key", Tags=[{"Key": "Stage", "Value": "by hand"}])
    plan = plan_stack(open_repository(repository).assemble().stack("myapp-dev"))
    changes = [change for stage in plan.values() for change in stage if change.action is not ChangeClass.NONE]
    assert [(c.resource.name, c.action, c.drift) for c in changes] == [
        ("myapp/dev/api/api-key", ChangeClass.UPDATE, True)
    ]
    assert "changed outside: tag Stage differs" in changes[0].reason
    report, _ = provision("myapp-dev", base_path=repository, options=ApplyOptions())
    assert [row["name"] for row in report.rows if row["outcome"] == "applied"] == ["myapp/dev/api/api-key"]
    tags = {t["Key"]: t["Value"] for t in client.describe_secret(SecretId="myapp/dev/api/api-key")["Tags"]}
    assert tags["Stage"] == "dev"
    assert value_of(boto, "myapp/dev/api/api-key") == before
