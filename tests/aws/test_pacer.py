from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.aws.pacer import Pacer, pacer_for
from secrets_pipeline.aws.quotas import API_GATEWAY, KMS, QUOTAS, SECRETS_MANAGER, Quota, quota_of


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def fullest_second(starts: list[float]) -> int:
    """The most calls that any second (closed, with a rounding error's width) holds."""
    starts = sorted(starts)
    most = last = 0
    for first, start in enumerate(starts):
        while last < len(starts) and starts[last] < start + 1 - 1e-9:
            last += 1
        most = max(most, last - first)
    return most


def test_the_first_call_does_not_wait() -> None:
    time = FakeTime()
    assert Pacer(clock=time.clock, sleep=time.sleep).wait("CreateSecret") == 0
    assert time.slept == []


FAST = [quota for quota in QUOTAS if quota.per_second > 1]


@pytest.mark.parametrize("quota", FAST, ids=[f"{quota.service} {quota.name}" for quota in FAST])
def test_a_crowd_of_calls_fills_no_second_beyond_the_quota_and_wastes_little_of_it(quota: Quota) -> None:
    time = FakeTime()
    pacer = Pacer(clock=time.clock, sleep=lambda _: None)
    starts = [time.now + pacer.wait(quota.operations[0], quota.service) for _ in range(3 * int(quota.per_second))]
    assert fullest_second(starts) in (quota.per_second - 1, quota.per_second)


@given(pauses=st.lists(st.floats(0, 0.2), min_size=1, max_size=200))
def test_whatever_the_pauses_no_second_is_overfull(pauses: list[float]) -> None:
    time = FakeTime()
    pacer = Pacer(clock=time.clock, sleep=time.sleep)
    starts = []
    for pause in pauses:
        pacer.wait("PutSecretValue")
        starts.append(time.now)
        time.now += pause
    assert fullest_second(starts) <= 50


def test_deployments_of_api_gateway_are_five_seconds_apart_and_other_calls_are_not() -> None:
    time = FakeTime()
    pacer = Pacer(clock=time.clock, sleep=lambda _: None)
    assert [pacer.wait("CreateDeployment", API_GATEWAY) for _ in range(3)] == [0, 5, 10]
    assert pacer.wait("GetStage", API_GATEWAY) == 0
    assert pacer.wait("UpdateStage", API_GATEWAY) == pytest.approx(1 / 9)


def test_a_thousand_creations_take_just_over_the_floor_of_the_quota() -> None:
    time = FakeTime()
    pacer = Pacer(clock=time.clock, sleep=time.sleep)
    for _ in range(1000):
        pacer.wait("CreateSecret")
    assert 20 <= sum(time.slept) < 20.5


def test_operations_of_one_quota_share_it_and_other_quotas_do_not_wait() -> None:
    time = FakeTime()
    pacer = Pacer(clock=time.clock, sleep=lambda _: None)
    assert pacer.wait("PutSecretValue") == 0
    assert pacer.wait("UpdateSecretVersionStage") == pytest.approx(1 / 49)
    assert pacer.wait("ReplicateSecretToRegions") == pytest.approx(2 / 49)
    assert pacer.wait("TagResource") == 0
    assert pacer.wait("GetResourcePolicy") == 0


def test_an_unused_quota_saves_nothing_up() -> None:
    time = FakeTime()
    pacer = Pacer(clock=time.clock, sleep=lambda _: None)
    pacer.wait("CreateSecret")
    time.now += 3600
    assert pacer.wait("CreateSecret") == 0
    assert pacer.wait("CreateSecret") == pytest.approx(1 / 49)


def test_threads_never_get_the_same_turn() -> None:
    time = FakeTime()
    pacer = Pacer(clock=time.clock, sleep=lambda _: None)
    gate = threading.Barrier(16)

    def turns(_: int) -> list[float]:
        gate.wait()
        return [pacer.wait("RotateSecret") for _ in range(25)]

    with ThreadPoolExecutor(16) as pool:
        waits = sorted(wait for many in pool.map(turns, range(16)) for wait in many)
    assert waits == pytest.approx([turn / 49 for turn in range(400)])


def test_an_operation_without_a_quota_never_waits() -> None:
    pacer = Pacer(clock=lambda: 0.0, sleep=lambda _: pytest.fail("slept"))
    assert [pacer.wait("Unknown") for _ in range(1000)] == [0.0] * 1000


def test_one_account_and_region_has_one_pacer_in_the_process() -> None:
    assert pacer_for("111122223333", "eu-west-1") is pacer_for("111122223333", "eu-west-1")
    assert pacer_for("111122223333", "eu-west-1") is not pacer_for("111122223333", "eu-west-2")
    assert pacer_for("111122223333", "eu-west-1") is not pacer_for("444455556666", "eu-west-1")


def test_operations_of_one_name_in_two_services_do_not_share_a_quota() -> None:
    time = FakeTime()
    pacer = Pacer(clock=time.clock, sleep=lambda _: None)
    waits = [pacer.wait("TagResource", service) for service in (SECRETS_MANAGER, KMS, SECRETS_MANAGER, KMS)]
    assert waits == pytest.approx([0, 0, 1 / 49, 1 / 9])


@pytest.mark.parametrize(
    ("service", "client"), [(SECRETS_MANAGER, "secretsmanager"), (KMS, "kms"), (API_GATEWAY, "apigateway")]
)
def test_each_operation_exists_and_counts_against_one_quota(service: str, client: str) -> None:
    model = botocore.session.Session().get_service_model(client)
    quotas = [quota for quota in QUOTAS if quota.service == service]
    listed = [operation for quota in quotas for operation in quota.operations]
    assert model.service_id.hyphenize() == service
    assert set(listed) <= set(model.operation_names)
    assert len(listed) == len(set(listed))
    assert len({quota.name for quota in quotas}) == len(quotas)
    assert all(quota_of(operation, service) is quota for quota in quotas for operation in quota.operations)
