"""Where sealed passwords wait: apart by account, below the operator's prefix."""

from __future__ import annotations

import logging
from pathlib import Path

import boto3
import pytest

from secrets_pipeline.emulator import FaultAction, InjectedFault, LocalAws, arm, empty, reset_conditions
from secrets_pipeline.orchestration.in_process.instance import open_instance
from secrets_pipeline.orchestration.in_process.running import provision
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository
from tests.runs import assert_applied

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
    stacks = repository.stacks()
    stacks.seals(stacks.stack("a")).put("a", b"sealed")
    [kept] = s3.list_objects_v2(Bucket="seals")["Contents"]
    assert kept["Key"].startswith("team/seals/111122223333/a")


def test_a_seal_that_could_not_be_deleted_is_told_and_deleted_by_the_next_run(
    repository: Repository, aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="seals", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    repository.settings = {**TARGETS, "seals": {"bucket": "seals", "region": "eu-west-2"}}
    arm(aws, InjectedFault(FaultAction.DENY, service="s3", operation="DELETE"))
    report, _ = provision("a", base_path=tmp_path, options=ApplyOptions(), desired=repository.desired())
    reset_conditions(aws)
    assert_applied(report)
    assert s3.list_objects_v2(Bucket="seals")["KeyCount"] == 1
    with open_instance() as instance:
        said = [one.user_message for one in instance.all_logs(report.run_id) if one.level == logging.WARNING]
    assert [one for one in said if "the seal of a stays for the next run: DeleteObject" in one]
    provision("a", base_path=tmp_path, options=ApplyOptions(), desired=repository.desired())
    assert s3.list_objects_v2(Bucket="seals")["KeyCount"] == 0


def test_two_accounts_with_a_stack_of_one_name_share_no_file(repository: Repository, tmp_path: Path) -> None:
    ours = repository.stacks()
    ours.seals(ours.stack("a")).put("a", b"sealed")
    assert ours.seals(ours.stack("a")).get("a") == b"sealed"
    [kept] = (path.name for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == b"sealed")
    assert kept.startswith("111122223333-a")
