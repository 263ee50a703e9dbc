"""Rates per account and region, as AWS's page has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from secrets_pipeline.aws.quotas import API_GATEWAY, QUOTAS, SECRETS_MANAGER
from secrets_pipeline.emulator import (
    API_GATEWAY_QUOTAS,
    SECRETS_MANAGER_QUOTAS,
    CountedCall,
    LocalAws,
    RateQuota,
    calls,
    enforce_quotas,
    reset_calls,
    reset_conditions,
)
from secrets_pipeline.emulator.control.quotas import Buckets

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.emulator.conftest import Clients


@pytest.fixture(autouse=True)
def _behaving_again(aws: LocalAws) -> Iterator[None]:
    reset_calls(aws)
    yield
    reset_conditions(aws)


@pytest.fixture
def once(clients: Clients) -> SecretsManagerClient:
    """A client that tries once."""
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=16)
    return clients.session.client("secretsmanager", endpoint_url=clients.endpoint_url, config=config)


def call(operation: str, *, account: str = "1", region: str = "r", service: str = "secretsmanager") -> CountedCall:
    return CountedCall(service, operation, account, region, "", 0)


def test_the_pacer_of_the_product_keeps_to_the_rates_that_are_enforced_here() -> None:
    assert {(q.per_second, frozenset(q.operations)) for q in QUOTAS if q.service == SECRETS_MANAGER} == {
        (q.per_second, frozenset(q.operations)) for q in SECRETS_MANAGER_QUOTAS
    }
    assert {(q.per_second, frozenset(q.operations)) for q in QUOTAS if q.service == API_GATEWAY} == {
        (q.per_second, frozenset(q.operations)) for q in API_GATEWAY_QUOTAS
    }
    grouped = [operation for quota in SECRETS_MANAGER_QUOTAS for operation in quota.operations]
    assert len(grouped) == len(set(grouped)) == 23


def test_a_bucket_holds_a_second_of_requests_and_refills_evenly() -> None:
    now = [0.0]
    buckets = Buckets(clock=lambda: now[0])
    assert buckets.admits(call("CreateSecret"))
    buckets.put([{"service": "secretsmanager", "name": "few", "per_second": 2, "operations": ["A", "B"]}])
    assert [buckets.admits(call(operation)) for operation in "ABA"] == [True, True, False]
    assert buckets.admits(call("A", account="2"))
    assert buckets.admits(call("A", region="s"))
    assert buckets.admits(call("C"))
    assert buckets.admits(call("A", service="kms"))
    now[0] = 0.5
    assert [buckets.admits(call("B")) for _ in range(2)] == [True, False]
    now[0] = 100.0
    assert [buckets.admits(call("B")) for _ in range(3)] == [True, True, False]
    buckets.delete()
    assert buckets.admits(call("B"))


def test_a_bucket_of_less_than_one_a_second_holds_one_request() -> None:
    now = [0.0]
    buckets = Buckets(clock=lambda: now[0])
    buckets.put([{"service": "secretsmanager", "name": "rare", "per_second": 0.2, "operations": ["A"]}])
    assert [buckets.admits(call("A")) for _ in range(2)] == [True, False]
    now[0] = 4.9
    assert not buckets.admits(call("A"))
    now[0] = 5.1
    assert [buckets.admits(call("A")) for _ in range(2)] == [True, False]


def test_a_second_deployment_of_api_gateways_before_its_time_is_throttled(aws: LocalAws, clients: Clients) -> None:
    config = Config(retries={"total_max_attempts": 1})
    client = clients.session.client("apigateway", endpoint_url=clients.endpoint_url, config=config)
    api = client.create_rest_api(name="paced")["id"]
    [declared] = [one for one in API_GATEWAY_QUOTAS if one.name == "deployments"]
    assert declared.per_second == 1 / 5
    # However slow the machine is.
    enforce_quotas(aws, [replace(declared, per_second=1 / 1000)])
    with pytest.raises(ClientError, match="The REST API doesn't contain any methods"):
        client.create_deployment(restApiId=api)
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        client.create_deployment(restApiId=api)


def test_above_the_rate_calls_are_throttled_and_counted_as_such(aws: LocalAws, once: SecretsManagerClient) -> None:
    enforce_quotas(aws)

    def make(_: int) -> str:
        try:
            once.get_random_password()
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    with ThreadPoolExecutor(16) as pool:
        codes = Counter(pool.map(make, range(300)))
    counted = {(one.status, one.error): one.count for one in calls(aws)}
    assert counted == {(200, ""): codes[""], (400, "ThrottlingException"): codes["ThrottlingException"]}
    assert codes["ThrottlingException"] > 0
    assert codes[""] >= 50


def test_any_service_can_have_a_rate_and_all_end_with_the_conditions(aws: LocalAws, clients: Clients) -> None:
    config = Config(retries={"total_max_attempts": 1})
    kms = clients.session.client("kms", endpoint_url=aws.endpoint_url, config=config)
    enforce_quotas(aws, [RateQuota("kms", "lists", 1, ("ListKeys", "ListAliases"))])
    kms.list_keys()
    with pytest.raises(ClientError) as caught:
        kms.list_aliases()
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    reset_conditions(aws)
    for _ in range(3):
        kms.list_keys()
