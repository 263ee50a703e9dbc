"""RotateSecret: its configuration, and four steps in the function's own code."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.emulator import LocalAws, settle
from tests.emulator.conftest import ROTATES
from tests.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.emulator.conftest import Clients, Refused


@pytest.fixture
def secrets(clients: Clients) -> SecretsManagerClient:
    return clients.secrets


def stages(secrets: SecretsManagerClient, name: str) -> dict[str, list[str]]:
    return secrets.describe_secret(SecretId=name)["VersionIdsToStages"]


def test_a_missing_or_closed_function_is_refused_and_nothing_changes(
    secrets: SecretsManagerClient, name: str, make_function: Callable[..., str], refused: Refused
) -> None:
    secrets.create_secret(Name=name, SecretString="x")
    before = secrets.describe_secret(SecretId=name)
    closed = make_function(permitted=False)
    with refused("AccessDeniedException"):
        secrets.rotate_secret(SecretId=name, RotationLambdaARN=closed + "-missing")
    with refused("AccessDeniedException"):
        secrets.rotate_secret(SecretId=name, RotationLambdaARN=closed)
    with refused("InvalidRequestException"):
        secrets.rotate_secret(SecretId=name)
    after = secrets.describe_secret(SecretId=name)
    assert {**before, "ResponseMetadata": None} == {**after, "ResponseMetadata": None}


@pytest.mark.parametrize(
    "rules",
    [
        {"AutomaticallyAfterDays": 30},
        {"AutomaticallyAfterDays": 7, "Duration": "3h"},
        {"ScheduleExpression": "rate(10 days)"},
        {"ScheduleExpression": "cron(0 8 1 * ? *)", "Duration": "2h"},
    ],
)
def test_rules_are_kept_as_sent_and_no_version_changes_without_rotate_immediately(
    aws: LocalAws,
    secrets: SecretsManagerClient,
    name: str,
    make_function: Callable[..., str],
    rules: Any,  # noqa: ANN401 - any JSON
) -> None:
    secrets.create_secret(Name=name, SecretString="x")
    before, arn = stages(secrets, name), make_function()
    secrets.rotate_secret(SecretId=name, RotationLambdaARN=arn, RotationRules=rules, RotateImmediately=False)
    settle(aws)
    described = secrets.describe_secret(SecretId=name)
    assert described["RotationEnabled"]
    assert (described["RotationLambdaARN"], described["RotationRules"]) == (arn, rules)
    assert described["VersionIdsToStages"] == before
    assert datetime.now(UTC) < described["NextRotationDate"] < datetime.now(UTC) + timedelta(days=32)
    assert "LastRotatedDate" not in described
    (entry,) = secrets.list_secrets(Filters=[{"Key": "name", "Values": [name]}])["SecretList"]
    assert entry["RotationRules"] == rules


def test_the_function_is_remembered_and_wrong_rules_are_refused(
    secrets: SecretsManagerClient, name: str, make_function: Callable[..., str], refused: Refused
) -> None:
    secrets.create_secret(Name=name, SecretString="x")
    arn = make_function()
    secrets.rotate_secret(
        SecretId=name, RotationLambdaARN=arn, RotationRules={"AutomaticallyAfterDays": 30}, RotateImmediately=False
    )
    secrets.rotate_secret(SecretId=name, RotationRules={"AutomaticallyAfterDays": 60}, RotateImmediately=False)
    described = secrets.describe_secret(SecretId=name)
    assert (described["RotationLambdaARN"], described["RotationRules"]) == (arn, {"AutomaticallyAfterDays": 60})
    both = {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"}
    with refused("InvalidParameterException"):
        secrets.rotate_secret(SecretId=name, RotationRules=both, RotateImmediately=False)  # type: ignore[arg-type] # stubs want typed dicts
    with refused("ValidationException"):
        secrets.rotate_secret(SecretId=name, RotationRules={"AutomaticallyAfterDays": 1001}, RotateImmediately=False)


def test_a_rotation_runs_the_four_steps_of_the_functions_own_code(
    secrets: SecretsManagerClient, name: str, make_function: Callable[..., str]
) -> None:
    first = secrets.create_secret(Name=name, SecretString="x")["VersionId"]
    token = secrets.rotate_secret(SecretId=name, RotationLambdaARN=make_function())["VersionId"]
    eventually(lambda: "LastRotatedDate" in secrets.describe_secret(SecretId=name))
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "x+"
    assert stages(secrets, name) == {first: ["AWSPREVIOUS"], token: ["AWSPENDING", "AWSCURRENT"]}
    second = secrets.rotate_secret(SecretId=name)["VersionId"]
    eventually(lambda: "AWSCURRENT" in stages(secrets, name)[second])
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "x++"


def test_a_function_acts_under_its_own_role(
    clients: Clients, secrets: SecretsManagerClient, name: str, make_function: Callable[..., str]
) -> None:
    secrets.create_secret(Name=name, SecretString="value")
    arn = make_function()
    closed = {**ROTATES, "Statement": [{**ROTATES["Statement"][0], "Effect": "Deny"}]}
    clients.iam.put_role_policy(RoleName="rotation", PolicyName="closed", PolicyDocument=json.dumps(closed))
    try:
        secrets.rotate_secret(SecretId=name, RotationLambdaARN=arn, RotationRules={"AutomaticallyAfterDays": 30})
        logs = clients.session.client("logs", endpoint_url=clients.endpoint_url)
        group = f"/aws/lambda/{name.split('/', 1)[0]}"
        eventually(lambda: bool(logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]))
        eventually(lambda: "assumed-role/rotation/" in str(logs.filter_log_events(logGroupName=group)["events"]))
    finally:
        clients.iam.delete_role_policy(RoleName="rotation", PolicyName="closed")
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "value"


@pytest.mark.parametrize("step", ["createSecret", "setSecret", "testSecret", "finishSecret"])
def test_a_failing_step_leaves_the_rotation_pending_and_the_value_readable(
    *,
    clients: Clients,
    secrets: SecretsManagerClient,
    name: str,
    make_function: Callable[..., str],
    refused: Refused,
    step: str,
) -> None:
    first = secrets.create_secret(Name=name, SecretString="x")["VersionId"]
    arn = make_function(mode="fail in " + step)
    token = secrets.rotate_secret(SecretId=name, RotationLambdaARN=arn)["VersionId"]
    group = "/aws/lambda/" + arn.rsplit(":", 1)[1]
    logs = clients.session.client("logs", endpoint_url=clients.endpoint_url)

    def failed() -> bool:
        try:
            events = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return False
        return any("told to fail" in event["message"] for event in events)

    eventually(failed)
    assert stages(secrets, name) == {first: ["AWSCURRENT"], token: ["AWSPENDING"]}
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "x"
    clients.functions.update_function_configuration(FunctionName=arn, Environment={"Variables": {"MODE": ""}})
    with refused("InvalidRequestException"):
        secrets.rotate_secret(SecretId=name)
    eventually(lambda: "AWSCURRENT" in stages(secrets, name)[token])


def test_a_cancelled_rotation_is_off_and_names_the_version_it_left(
    secrets: SecretsManagerClient, name: str, make_function: Callable[..., str], refused: Refused
) -> None:
    secrets.create_secret(Name=name, SecretString="x")
    with refused("InvalidRequestException"):
        secrets.cancel_rotate_secret(SecretId=name)
    arn = make_function(mode="fail in createSecret")
    token = secrets.rotate_secret(SecretId=name, RotationLambdaARN=arn)["VersionId"]
    assert secrets.cancel_rotate_secret(SecretId=name)["VersionId"] == token
    described = secrets.describe_secret(SecretId=name)
    assert (described["RotationEnabled"], described["RotationLambdaARN"]) == (False, arn)
    assert "NextRotationDate" not in described
