"""Lambda functions that are killed before or after their work."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import boto3
import pytest

from secrets_pipeline.emulator import LocalAws, Mishap, Moment, kill_invocations, reset_conditions
from tests.embedded import lead_to
from tests.waiting import SECONDS

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

CODE = """
import boto3
def handler(event, context):
    boto3.client("ssm").put_parameter(Name=event["name"], Value="done", Type="String", Overwrite=True)
    return {"alive": "yes"}
"""
ALIVE = {"alive": "yes"}


@pytest.fixture
def functions(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LambdaClient:
    lead_to(aws, monkeypatch)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("index.py", CODE)
    iam, client = boto3.client("iam"), boto3.client("lambda")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": ["ssm:*", "logs:*"], "Resource": "*"}
    try:
        iam.create_role(
            RoleName="mishaps", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )
        iam.put_role_policy(
            RoleName="mishaps",
            PolicyName="p",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        )
        client.create_function(
            FunctionName="mishaps",
            Role=f"arn:aws:iam::{aws.account_id}:role/mishaps",
            Runtime="python3.12",
            Handler="index.handler",
            Timeout=SECONDS,
            Code={"ZipFile": archive.getvalue()},
        )
    except iam.exceptions.EntityAlreadyExistsException:
        pass
    return client


def invoke(client: LambdaClient, **event: str) -> dict[str, str]:
    answer = client.invoke(FunctionName="mishaps", Payload=json.dumps(event).encode())
    found: dict[str, str] = json.loads(answer["Payload"].read())
    return found


def done(name: str) -> bool:
    found = boto3.client("ssm").get_parameters(Names=[name])
    return bool(found["Parameters"])


@pytest.mark.parametrize(("moment", "worked"), [(Moment.BEFORE, False), (Moment.AFTER, True)])
def test_the_process_is_killed_before_or_after_the_work_as_often_as_asked(
    aws: LocalAws, functions: LambdaClient, moment: Moment, worked: bool
) -> None:
    kill_invocations(aws, Mishap(step="setSecret", moment=moment, times=2))
    assert invoke(functions, Step="createSecret", name=f"{moment}-other") == ALIVE
    for _ in range(2):
        answer = invoke(functions, Step="setSecret", name=moment.value)
        assert answer["errorType"] == "Runtime.ExitError"
        assert answer["errorMessage"] == "Runtime exited with error: signal: killed"
        assert done(moment.value) is worked
    assert invoke(functions, Step="setSecret", name=moment.value) == ALIVE


def test_conditions_end_with_all_others(aws: LocalAws, functions: LambdaClient) -> None:
    kill_invocations(aws, Mishap(times=100))
    reset_conditions(aws)
    assert invoke(functions, name="x") == ALIVE


def test_a_mishap_strikes_at_least_once() -> None:
    with pytest.raises(ValueError, match="times=0"):
        Mishap(times=0)


def test_lambda_writes_the_last_line_of_a_killed_process_into_its_log(aws: LocalAws, functions: LambdaClient) -> None:
    kill_invocations(aws, Mishap())
    invoke(functions, name="x")
    events = boto3.client("logs").filter_log_events(logGroupName="/aws/lambda/mishaps")["events"]
    assert any("Runtime exited with error: signal: killed" in one["message"] for one in events)
