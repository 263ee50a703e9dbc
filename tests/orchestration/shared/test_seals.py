"""Where sealed passwords wait: apart by account, below the operator's prefix."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from secrets_pipeline.emulator import LocalAws, empty
from secrets_pipeline.orchestration.shared.resources import AwsSessions
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository

TARGETS = {"targets": [{"stacks": "*", "account_id": "111122223333", "region": "eu-west-2"}]}


@pytest.fixture
def repository(aws: LocalAws, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    empty(aws)
    lead_to(aws, monkeypatch)
    secrets = {"one": {"generate_random_password": True}}
    repository.tree = {"a": {"secretsmanager": {"context_name": "a", "secrets": secrets}}}
    repository.settings = TARGETS
    return repository


@pytest.mark.parametrize("prefix", ["team/seals", "team/seals/"])
def test_a_prefix_of_the_bucket_is_a_folder(repository: Repository, prefix: str) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="seals", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    repository.settings = {**TARGETS, "seals": {"bucket": "seals", "prefix": prefix, "region": "eu-west-2"}}
    stacks = repository.stacks(AwsSessions())
    stacks.seals(stacks.stack("a")).put("a", b"sealed")
    [kept] = s3.list_objects_v2(Bucket="seals")["Contents"]
    assert kept["Key"].startswith("team/seals/111122223333/a")


def test_two_accounts_with_a_stack_of_one_name_share_no_file(repository: Repository, tmp_path: Path) -> None:
    ours = repository.stacks(AwsSessions())
    ours.seals(ours.stack("a")).put("a", b"sealed")
    assert ours.seals(ours.stack("a")).get("a") == b"sealed"
    [kept] = (path.name for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == b"sealed")
    assert kept.startswith("111122223333-a")
