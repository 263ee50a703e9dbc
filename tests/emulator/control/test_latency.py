"""Time added to each call, while nothing is locked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.emulator import Latency, LocalAws, calls, reset_calls, reset_conditions, set_latency
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.emulator.conftest import Clients


@pytest.fixture(autouse=True)
def _behaving_again(aws: LocalAws) -> Iterator[None]:
    yield
    reset_conditions(aws)


def test_each_call_takes_longer_and_eight_at_once_are_not_served_one_after_another(
    aws: LocalAws, clients: Clients
) -> None:
    clients.kms.list_keys()
    set_latency(aws, Latency(1000))

    def took() -> float:
        started = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: clients.kms.list_keys(), range(8)))
        return time.monotonic() - started

    assert took() >= 1
    # One after another they would take eight seconds on any machine: one time below that is proof enough.
    eventually(lambda: took() < 8, "eight calls that wait at once")


def test_a_service_can_have_its_own_and_reset_ends_it(aws: LocalAws, clients: Clients) -> None:
    clients.sts.get_caller_identity()
    # An hour is more than the client waits.
    set_latency(aws, Latency(3_600_000, {"sts": 0.0}))
    clients.sts.get_caller_identity()
    set_latency(aws, Latency(services={"sts": 300}))
    started = time.monotonic()
    clients.sts.get_caller_identity()
    assert time.monotonic() - started >= 0.3
    reset_conditions(aws)
    assert Latency().of("sts") == 0


def test_a_service_is_named_as_in_the_call_log(aws: LocalAws, clients: Clients) -> None:
    reset_calls(aws)
    clients.functions.list_functions()
    (call,) = calls(aws)
    set_latency(aws, Latency(services={call.service: 300}))
    started = time.monotonic()
    clients.functions.list_functions()
    assert time.monotonic() - started >= 0.3


def test_no_call_takes_less_than_no_time() -> None:
    with pytest.raises(ValueError, match="-1"):
        Latency(-1)
