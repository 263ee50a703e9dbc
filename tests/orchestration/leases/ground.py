"""Runs of an instance that hold leases, and a clock of leases that a test moves."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import dagster as dg
import pytest

from secrets_pipeline.aws.leases import shared
from secrets_pipeline.aws.leases.watch import WATCH
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.orchestration.shared.lease_mark import LEASE_TAG
from secrets_pipeline.orchestration.shared.own import Own
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from tests.embedded import operator

SECONDS = 160
ASSET = dg.AssetKey("secrets")
LEASED = Own(frozenset({"provision"}), frozenset({ASSET}), frozenset())
BUCKET = "leases"


def in_bucket(aws: LocalAws) -> Mapping[str, Any]:
    """Operator's settings with leases in a bucket, which is made."""
    s3 = operator(aws).client("s3")
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    return {"leases": {"bucket": BUCKET, "region": aws.region, "seconds": SECONDS, "takeover_delay": 0}}


class World:
    """The time by which this process judges leases; a second passes each time that somebody looks at the clock.

    No thread renews a lease by the machine's own time: who takes one and calls nothing more is dead.
    """

    def __init__(self) -> None:
        self.now = 1000.0

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def clock(self) -> float:
        self.now += 1
        return self.now

    @contextmanager
    def ruling(self) -> Iterator[World]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(WATCH, "clock", self.clock)
            patch.setattr(shared, "_POLL_SECONDS", 0)
            patch.setattr(shared.SharedLease, "renewed_by_thread", lambda lease: lease)
            yield self


def run_of(
    instance: dg.DagsterInstance,
    stack: str | None = "a",
    *,
    job: str = "provision",
    assets: AbstractSet[dg.AssetKey] | None = None,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> dg.DagsterRun:
    """A run that Dagster believes to be under way."""
    return instance.add_run(
        dg.DagsterRun(
            job_name=job,
            run_id=str(uuid.uuid4()),
            status=status,
            asset_selection=assets,
            tags={**({PARTITION_TAG: stack} if stack else {}), **tags},
        )
    )


def status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status.value


def tag_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """What the run says of its lease."""
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.tags[LEASE_TAG]


def failure_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """What the run's failure says."""
    events = [one.dagster_event for one in instance.all_logs(run.run_id) if one.dagster_event]
    (failure,) = [event for event in events if event.is_run_failure]
    return failure.message or ""
