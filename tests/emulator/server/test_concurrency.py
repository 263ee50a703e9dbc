"""Many threads at once: no 500, nothing lost, everything counted."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from secrets_pipeline.emulator import LocalAws, calls, reset_calls

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.emulator.conftest import Clients

THREADS, SECRETS = 16, 2_000


@pytest.fixture
def direct(clients: Clients) -> SecretsManagerClient:
    """A client without retries, which would hide an error, in an account of its own."""
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=THREADS)
    other = clients.in_account("777788889999")
    return other.session.client("secretsmanager", endpoint_url=clients.endpoint_url, config=config)


def test_two_thousand_creates_from_sixteen_threads_with_lists_between_fail_never(
    aws: LocalAws, direct: SecretsManagerClient
) -> None:
    reset_calls(aws)
    filters: Any = [{"Key": "name", "Values": ["load/"]}]

    def create(number: int) -> None:
        direct.create_secret(Name=f"load/{number}", SecretString=str(number), Tags=[{"Key": "n", "Value": "v"}])
        if number % 20 == 0:
            direct.list_secrets(Filters=filters, MaxResults=100)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(create, range(SECRETS)))
    pages = direct.get_paginator("list_secrets").paginate(Filters=filters)
    names = [secret["Name"] for page in pages for secret in page["SecretList"]]
    assert sorted(names) == sorted(f"load/{number}" for number in range(SECRETS))
    counted = Counter({(one.operation, one.status): one.count for one in calls(aws)})
    assert counted == {("CreateSecret", 200): SECRETS, ("ListSecrets", 200): SECRETS // 20 + SECRETS // 100}


def test_one_name_raced_by_sixteen_threads_has_one_winner(direct: SecretsManagerClient) -> None:
    def create(number: int) -> str:
        try:
            return direct.create_secret(Name="raced", SecretString=str(number))["VersionId"]
        except ClientError as error:
            return str(error.response["Error"]["Code"])

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = Counter(pool.map(create, range(THREADS)))
    assert outcomes["ResourceExistsException"] == THREADS - 1


def test_a_compare_and_swap_of_awscurrent_loses_no_update(direct: SecretsManagerClient) -> None:
    direct.create_secret(Name="counter", SecretString="0")

    def increment(worker: int) -> None:
        while True:
            read = direct.get_secret_value(SecretId="counter")
            staged = direct.put_secret_value(
                SecretId="counter",
                SecretString=str(int(read["SecretString"]) + 1),
                VersionStages=[f"WORKER{worker}"],
            )
            try:
                direct.update_secret_version_stage(
                    SecretId="counter",
                    VersionStage="AWSCURRENT",
                    RemoveFromVersionId=read["VersionId"],
                    MoveToVersionId=staged["VersionId"],
                )
            except ClientError:
                continue
            return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(increment, [0, 1, 2, 3]))
    assert direct.get_secret_value(SecretId="counter")["SecretString"] == "4"
