"""The store of shared leases: conditional writes as AWS documents them, and leases that are made of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber
from pydantic import ValidationError

from secrets_pipeline.aws.leases import shared
from secrets_pipeline.aws.leases.model import Claim, Gone, Held
from secrets_pipeline.aws.leases.opening import shared_leases
from secrets_pipeline.aws.leases.record import LeaseRecord
from secrets_pipeline.aws.leases.s3 import S3LeaseStore
from secrets_pipeline.aws.leases.shared import SharedLeases
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.settings.leases import BucketLeases
from secrets_pipeline.emulator import FaultAction, InjectedFault, LocalAws, arm, disarm, reset_conditions
from secrets_pipeline.errors import AwsError, GuardError
from tests.aws.conftest import REGION
from tests.waiting import eventually

STACK = "111122223333-shop-dev"
RECORD = LeaseRecord(
    run_id="run-1",
    token="t1",
    beat=1,
    seconds=60,
    released=False,
    host="ci-7",
    taken="2026-11-28 09:00:00 UTC",
    renewed="2026-11-28 09:00:00 UTC",
)


@pytest.fixture(autouse=True)
def _behaving_again(aws: LocalAws) -> Iterator[None]:
    yield
    reset_conditions(aws)


def make_bucket(account: AwsAccount) -> None:
    account.client("s3").create_bucket(Bucket="leases", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


@pytest.fixture
def store(account: AwsAccount) -> S3LeaseStore:
    make_bucket(account)
    return S3LeaseStore(account.client("s3"), "leases", "/ours/")


def test_a_record_is_made_where_there_is_none_and_written_over_as_it_was_read_alone(store: S3LeaseStore) -> None:
    assert store.read(STACK) is None
    first = store.write(STACK, RECORD, None)
    assert first is not None
    assert store.read(STACK) == first
    assert store.write(STACK, replace(RECORD, token="t2"), None) is None
    second = store.write(STACK, replace(RECORD, beat=2), first)
    assert second is not None
    assert second.version != first.version
    assert store.write(STACK, replace(RECORD, beat=3), first) is None
    assert store.read(STACK) == second
    assert store.read(f"{STACK}-2") is None


def test_of_many_who_take_it_at_once_one_has_it(store: S3LeaseStore) -> None:
    start, won = threading.Barrier(12), []

    def take(number: int) -> None:
        start.wait()
        if store.write(STACK, replace(RECORD, token=str(number)), None):
            won.append(str(number))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    there = store.read(STACK)
    assert there is not None
    assert won == [there.record.token]


def test_what_is_no_lease_is_left_alone_and_said(account: AwsAccount) -> None:
    s3 = account.client("s3")
    make_bucket(account)
    store = S3LeaseStore(s3, "leases")
    for body in (b"\xff", b"[]", b"{}", b'{"run_id": "x"}'):
        s3.put_object(Bucket="leases", Key=STACK, Body=body)
        with pytest.raises(GuardError, match=f"s3://leases/{STACK} is no lease of this pipeline"):
            store.read(STACK)


@pytest.mark.parametrize(
    ("code", "status"), [("PreconditionFailed", 412), ("ConditionalRequestConflict", 409), ("NoSuchKey", 404)]
)
def test_each_answer_that_s3_documents_for_a_condition_means_that_somebody_else_was_there(
    account: AwsAccount, code: str, status: int
) -> None:
    s3 = account.client("s3")
    with Stubber(s3) as stub:
        stub.add_client_error("put_object", code, http_status_code=status)
        assert S3LeaseStore(s3, "leases").write(STACK, RECORD, None) is None


def test_an_object_that_was_deleted_is_written_over_by_nobody(account: AwsAccount) -> None:
    s3 = account.client("s3")
    make_bucket(account)
    store = S3LeaseStore(s3, "leases")
    first = store.write(STACK, RECORD, None)
    s3.delete_object(Bucket="leases", Key=STACK)
    assert store.write(STACK, replace(RECORD, beat=2), first) is None


def test_a_store_that_is_not_there_is_an_error_that_names_it(account: AwsAccount) -> None:
    with pytest.raises(AwsError, match=r"s3://nowhere/ours/.*NoSuchBucket"):
        S3LeaseStore(account.client("s3"), "nowhere", "ours").write(STACK, RECORD, None)


def test_a_lease_is_renewed_by_its_thread_until_it_is_given_back(
    store: S3LeaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "_BEATS", 6_000)
    leases = SharedLeases(store, 160)
    lease = leases.take(STACK, Claim("run-1", "ci-7"), patience=0)
    eventually(lambda: (there := store.read(STACK)) is not None and there.record.beat > 3, "three beats")
    lease.check()
    assert isinstance(leases.look(STACK, "run-1"), Held)
    with pytest.raises(GuardError, match="run run-1 on host ci-7"):
        leases.take(STACK, Claim("run-2", "ci-8"), patience=0)
    lease.release()
    assert leases.look(STACK, "run-1") == Gone("is free")
    leases.take(STACK, Claim("run-2", "ci-8"), patience=0).release()
    with pytest.raises(GuardError, match="given the lease"):
        lease.check()


@pytest.mark.parametrize("action", [FaultAction.LOST, FaultAction.ERROR])
def test_a_renewal_whose_answer_is_lost_or_that_was_refused_once_keeps_the_lease(
    aws: LocalAws, store: S3LeaseStore, action: FaultAction
) -> None:
    lease = SharedLeases(store, 160, renewing=False).take(STACK, Claim("run-1", "ci-7"), patience=0)
    arm(aws, InjectedFault(action, operation="PUT"))
    lease.renew()
    assert disarm(aws)[0].seen >= 2
    lease.renew()
    lease.check()


def test_the_settings_say_which_bucket(account: AwsAccount) -> None:
    settings = BucketLeases(bucket="leases", prefix="a/b", region=REGION)
    assert shared_leases(settings, Sessions()).root == "s3://leases/a/b/"


def test_a_renewal_that_hangs_is_given_up_long_before_the_lease_ends(account: AwsAccount) -> None:
    settings = BucketLeases(bucket="leases", region=REGION)
    with pytest.raises(ValidationError):
        BucketLeases(bucket="leases", region=REGION, seconds=settings.seconds - 1)
    opened = shared_leases(settings, Sessions())
    store = opened._store
    assert isinstance(store, S3LeaseStore)
    config: Any = store._client.meta.config
    tries = config.retries["total_max_attempts"]
    assert tries * (config.connect_timeout + config.read_timeout) < settings.seconds - shared.MARGIN_SECONDS
