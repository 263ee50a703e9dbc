"""The second user of the embedded AWS: somebody else than the pipeline, who changes all and reads no value."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.aws.credentials import is_same_caller
from secrets_pipeline.emulator import SECOND_USER, LocalAws, second_user_environment
from tests.embedded import lead_to


def test_he_is_somebody_else_who_may_change_all_and_read_nothing(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_to(aws, monkeypatch)
    operator = boto3.Session()
    arn = operator.client("secretsmanager").create_secret(Name="tester/secret", SecretString="canary")["ARN"]
    second_user_environment(aws)
    # Whoever starts `dev` again gets a key that works.
    for name, value in second_user_environment(aws).items():
        monkeypatch.setenv(name, value)
    tester = boto3.Session()
    caller = tester.client("sts").get_caller_identity()["Arn"]
    assert caller.endswith(f":user/{SECOND_USER}")
    assert not is_same_caller(caller, operator.client("sts").get_caller_identity()["Arn"])
    deny = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:DeleteSecret", "Resource": "*"}
    tester.client("secretsmanager").put_resource_policy(
        SecretId=arn, ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    )
    tester.client("iam").create_group(GroupName="made-by-the-tester")
    with pytest.raises(ClientError, match="AccessDenied"):
        tester.client("secretsmanager").get_secret_value(SecretId=arn)
