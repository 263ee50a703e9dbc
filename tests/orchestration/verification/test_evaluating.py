"""When a check looks closely: what Dagster's storage says counts, not the memory of a process."""

from __future__ import annotations

import time
import uuid

import dagster as dg
import pytest

from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.verification.history import APPLIED, REPEATED, written_since_evaluation

POLICIES, KEYS = dg.AssetKey("secret_policies"), dg.AssetKey("kms_keys")
CHECK = dg.AssetCheckKey(POLICIES, "looks")
WANTED = {CHECK: [POLICIES, KEYS]}


class Log:
    """An event log with runs of a stack."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance

    def materialized(self, asset: dg.AssetKey, *, applied: int, stack: str = "a-dev") -> None:
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(asset, partition=stack, metadata={APPLIED: applied})
        )

    def evaluated(self, *, looked: float | None = None) -> None:
        more = {} if looked is None else {REPEATED: dg.MetadataValue.timestamp(looked)}
        run = dg.DagsterRun("verify", run_id=str(uuid.uuid4()), status=dg.DagsterRunStatus.SUCCESS)
        self.instance.add_run(run)
        said = dg.AssetCheckEvaluation(POLICIES, CHECK.name, passed=True, partition="a-dev", metadata=more)
        kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION.value
        self.instance.report_dagster_event(dg.DagsterEvent(kind, "verify", event_specific_data=said), run.run_id)

    def broke(self, stack: str = "a-dev") -> None:
        run = dg.DagsterRun(
            "provision", run_id=str(uuid.uuid4()), status=dg.DagsterRunStatus.STARTED, tags={PARTITION_TAG: stack}
        )
        self.instance.add_run(run)
        self.instance.report_run_failed(run, "the process is gone")

    def is_close(self) -> bool:
        return written_since_evaluation(self.instance, "a-dev", WANTED) == {CHECK}


@pytest.fixture
def log(instance: dg.DagsterInstance) -> Log:
    return Log(instance)


def test_a_check_looks_where_something_was_written_since_it_was_evaluated(log: Log) -> None:
    assert not log.is_close()
    log.materialized(KEYS, applied=2)
    log.materialized(KEYS, applied=0)
    assert log.is_close()
    log.evaluated()
    assert not log.is_close()
    log.materialized(KEYS, applied=0)
    log.materialized(POLICIES, applied=1, stack="b-dev")
    assert not log.is_close()
    log.materialized(POLICIES, applied=1)
    assert log.is_close()


def test_a_run_that_broke_may_have_written_without_saying_so(log: Log) -> None:
    log.evaluated()
    log.broke("b-dev")
    assert not log.is_close()
    log.broke()
    assert log.is_close()
    log.evaluated()
    assert not log.is_close()


def test_a_verdict_that_only_stands_is_no_look(log: Log) -> None:
    log.evaluated()
    looked = time.time()
    log.materialized(KEYS, applied=1)
    log.evaluated(looked=looked)
    assert log.is_close()


def test_a_check_that_looks_at_no_stage_is_not_asked_about(instance: dg.DagsterInstance) -> None:
    assert written_since_evaluation(instance, "a-dev", {CHECK: []}) == set()
