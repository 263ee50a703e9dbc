"""When a check looks closely: what Dagster's storage says counts, not the memory of a process."""

from __future__ import annotations

import time
import uuid

import dagster as dg
import pytest

from secrets_pipeline.orchestration.pages.metadata import DATA
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.verification.evaluating import looks_again
from secrets_pipeline.orchestration.verification.history import (
    CLOSELY,
    REPEATED,
    Evaluated,
    last_evaluation,
    written_since_evaluation,
)
from secrets_pipeline.orchestration.verification.stack_check import StackCheck

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
POLICIES, KEYS = dg.AssetKey("secret_policies"), dg.AssetKey("kms_keys")
CHECK = dg.AssetCheckKey(POLICIES, "looks")
WANTED = {CHECK: [POLICIES, KEYS]}


class Log:
    """An event log with runs of a stack."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance

    def materialized(self, asset: dg.AssetKey, *, applied: int, stack: str = "a-dev") -> None:
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(
                asset, partition=stack, metadata={DATA: dg.MetadataValue.json({"applied": applied})}
            )
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
        last = {CHECK: last_evaluation(self.instance, CHECK, "a-dev")}
        return written_since_evaluation(self.instance, "a-dev", WANTED, last) == {CHECK}


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
    assert written_since_evaluation(instance, "a-dev", {CHECK: []}, {CHECK: None}) == set()


def verdict(*, passed: bool, severity: dg.AssetCheckSeverity = ERROR, closely: bool | None = True) -> Evaluated:
    """What is on record; `closely` is None of what an earlier version wrote."""
    metadata = {} if closely is None else {CLOSELY: dg.MetadataValue.bool(closely)}
    return Evaluated(
        dg.AssetCheckEvaluation(POLICIES, CHECK.name, passed=passed, severity=severity, metadata=metadata), 1.0
    )


def check(*, glance: bool = False, left_to_verify: bool = False) -> StackCheck:
    skipped = "" if glance else "nobody looked"
    return StackCheck("c", "s", (), "", lambda *_: [], else_skipped=skipped, left_to_verify=left_to_verify)


GREEN, RED, WARNING = verdict(passed=True), verdict(passed=False), verdict(passed=False, severity=WARN)


def test_a_check_without_a_glance_is_skipped_only_where_its_last_verdict_is_green() -> None:
    assert not looks_again(check(), GREEN)
    assert all(looks_again(check(), last) for last in (RED, WARNING, None))


def test_a_check_that_reads_values_looks_again_only_where_it_was_red() -> None:
    for glance in (False, True):
        reading = check(glance=glance, left_to_verify=True)
        assert looks_again(reading, RED)
        assert not any(looks_again(reading, last) for last in (GREEN, WARNING, None))


def test_a_glance_does_not_end_what_a_close_look_found() -> None:
    glancing = check(glance=True)
    assert all(looks_again(glancing, last) for last in (RED, WARNING, verdict(passed=False, closely=None)))
    found_by_a_glance = verdict(passed=False, closely=False)
    assert not any(looks_again(glancing, last) for last in (GREEN, None, found_by_a_glance))
