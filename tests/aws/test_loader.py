"""AWS's models are read once a process, whatever the number of accounts, roles, regions and threads."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader

from secrets_pipeline.aws.session import Sessions, partition_of
from secrets_pipeline.desired.base import Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from secrets_pipeline.aws.session import AwsAccount

SERVICES = ("secretsmanager", "kms", "sts", "s3", "sqs")
REGIONS = ("eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "us-east-2", "us-west-1", "us-west-2")
ROLES = [None, *(f"arn:aws:iam::{number:012}:role/deploy" for number in range(1, 8))]


@pytest.fixture(autouse=True)
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is shared yet: no session is prepared by the suite, and a data path of its own has its own loader."""
    monkeypatch.setattr("botocore._INITIALIZERS", [])
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file of models is read."""
    counted: Counter[str] = Counter()
    load_file = JSONFileLoader.load_file

    def counting(self: JSONFileLoader, path: str) -> Any:  # noqa: ANN401 - JSON
        found = load_file(self, path)
        if found is not None:
            counted[path] += 1
        return found

    monkeypatch.setattr(JSONFileLoader, "load_file", counting)
    return counted


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns after a few instructions, not after 5 ms."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def made(region: str, role: str | None) -> list[Any]:
    account = Sessions().for_target(Target(region=region, role_arn=role))
    return [account.client(service) for service in SERVICES]


def test_further_accounts_and_regions_read_nothing(read: Counter[str]) -> None:
    made("eu-west-1", None)
    assert any("secretsmanager" in path for path in read)
    once = read.copy()
    for role in ROLES:
        made("eu-central-1", role)
    assert partition_of("cn-north-1") == "aws-cn"
    assert read == once


@pytest.mark.usefixtures("hasty")
def test_threads_that_make_clients_at_once_read_each_model_once_and_whole(read: Counter[str]) -> None:
    gate = threading.Barrier(len(ROLES))

    def together(role: str | None) -> list[Any]:
        gate.wait()
        return made("eu-west-1", role)

    with ThreadPoolExecutor(len(ROLES)) as pool:
        clients = [client for some in pool.map(together, ROLES) for client in some]
    assert set(read.values()) == {1}
    alone = {service: Loader().load_service_model(service, "service-2") for service in SERVICES}
    for client in clients:
        model = client.meta.service_model
        whole = alone[model.service_name]
        assert model.operation_names == list(whole["operations"])
        assert set(model.shape_names) == set(whole["shapes"])


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1"])
def test_what_is_shared_stays_as_it_was_read(region: str) -> None:
    session = Sessions().for_target(Target(region=region)).botocore_session
    session.create_client("s3", config=Config(use_fips_endpoint=True))
    # In legacy mode, the retries of Organizations are those that botocore writes into what it read.
    session.create_client("organizations", config=Config(retries={"mode": "legacy"}))
    for service in SERVICES:
        session.create_client(service)
    loader, alone = session.get_component("data_loader"), Loader()
    for service in SERVICES:
        for kind in ("service-2", "endpoint-rule-set-1"):
            assert loader.load_service_model(service, kind) == alone.load_service_model(service, kind)
    for name in ("endpoints", "partitions", "_retry", "sdk-default-configuration"):
        assert loader.load_data(name) == alone.load_data(name)


def test_calls_leave_the_models_as_they_were(account: AwsAccount) -> None:
    secrets = account.client("secretsmanager")
    secrets.create_secret(Name="modelled", SecretString="x")
    (page,) = secrets.get_paginator("list_secrets").paginate()
    assert [one["Name"] for one in page["SecretList"]] == ["modelled"]
    with pytest.raises(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name="modelled", SecretString="x")
    assert account.account_id
    loader = account.botocore_session.get_component("data_loader")
    for service in ("secretsmanager", "sts"):
        assert loader.load_service_model(service, "service-2") == Loader().load_service_model(service, "service-2")


@pytest.mark.usefixtures("hasty")
def test_the_model_that_botocore_does_change_at_a_first_call_serves_threads_of_many_accounts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Source: botocore/handlers.py, remove_bucket_from_url_paths_from_model: S3's URIs lose the bucket, once for all.
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    gate = threading.Barrier(len(REGIONS))

    def together(region: str) -> str:
        s3 = Sessions().for_target(Target(region=region)).client("s3")
        gate.wait()
        return str(s3.generate_presigned_url("get_object", {"Bucket": "files", "Key": "orders/1"})).split("?")[0]

    with ThreadPoolExecutor(len(REGIONS)) as pool:
        urls = list(pool.map(together, REGIONS))
    assert urls == ["https://files.s3.amazonaws.com/orders/1"] * len(REGIONS)


def test_models_of_a_data_path_are_seen_by_its_sessions_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "shop" / "2026-01-01" / "service-2.json"
    model.parent.mkdir(parents=True)
    model.write_text(json.dumps({"metadata": {}, "operations": {}, "shapes": {}}))
    target = Target(region="eu-west-1")
    assert "shop" in Sessions().for_target(target).botocore_session.get_available_services()
    monkeypatch.delenv("AWS_DATA_PATH")
    assert "shop" not in Sessions().for_target(target).botocore_session.get_available_services()


def test_folders_of_models_do_not_grow_with_the_sessions() -> None:
    account = Sessions().for_target(Target(region="eu-west-1"))
    paths = account.botocore_session.get_component("data_loader").search_paths
    before = list(paths)
    for _ in range(3):
        again = boto3.Session(botocore_session=account.botocore_session)
    assert paths == before
    assert "s3" in again.get_available_resources()
