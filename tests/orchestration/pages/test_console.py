"""Links to the AWS console: of the stack's partition and region, and none where an emulator answers."""

from __future__ import annotations

import boto3
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.orchestration.pages.console import console_link
from secrets_pipeline.reconcilers.stack import Stack
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository


def stack_in(repository: Repository, region: str) -> Stack:
    place = {"environment": "dev", "region": region, "account_id": "111122223333", "context_name": "shop"}
    repository.tree = {"a": {"secretsmanager": {**place, "secrets": {"token": {"generate_random_password": True}}}}}
    return repository.desired().assemble(Sessions()).stack("a")


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-2", "eu-west-2.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_a_link_leads_to_the_console_of_the_partition_and_region(
    repository: Repository, aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch, region: str, host: str
) -> None:
    lead_to(aws, monkeypatch)
    stack = stack_in(repository, region)
    assert stack.account.partition == boto3.Session().get_partition_for_region(region)
    assert console_link(stack, "secrets") == ""
    # Nothing is called below: only which endpoint a client would ask is looked at.
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    real = Sessions().for_target(stack.spec.target)
    object.__setattr__(stack, "account", real)
    url = console_link(stack, "secrets")
    assert url == f"https://{host}/secretsmanager/listsecrets?region={region}&search=all%3Dshop%2Fdev"
    assert console_link(stack, "stack_config") == ""
    assert all(console_link(stack, stage).startswith(f"https://{host}/") for stage in STAGES)
