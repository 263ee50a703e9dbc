"""A run that has a process for each step is refused while it runs, and not when Dagster gives its result."""

from __future__ import annotations

import uuid
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.execution.plan.objects import StepSuccessData

from secrets_pipeline.errors import GuardError
from secrets_pipeline.orchestration.applying.executors import refuse_process_a_step
from secrets_pipeline.orchestration.shared.names import PLAIN

Kind = dg.DagsterEventType


SAID: dict[dg.DagsterEventType, Any] = {
    Kind.STEP_WORKER_STARTING: EngineEventData(),
    Kind.STEP_WORKER_STARTED: EngineEventData(),
    Kind.STEP_SUCCESS: StepSuccessData(duration_ms=1.0),  # type: ignore[no-untyped-call]  # Dagster's class has no types
}


def report(instance: dg.DagsterInstance, run: dg.DagsterRun, *kinds: dg.DagsterEventType) -> None:
    for kind in kinds:
        said = dg.DagsterEvent(kind.value, run.job_name, event_specific_data=SAID.get(kind))
        instance.report_dagster_event(said, run.run_id)


@pytest.fixture
def run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    made = dg.DagsterRun("provision", run_id=str(uuid.uuid4()), status=dg.DagsterRunStatus.STARTED)
    instance.add_run(made)
    return made


@pytest.mark.parametrize("kind", SAID)
def test_a_run_is_refused_by_what_the_executor_of_its_steps_has_said(
    instance: dg.DagsterInstance, run: dg.DagsterRun, kind: dg.DagsterEventType
) -> None:
    refuse_process_a_step(run, instance, PLAIN)
    report(instance, run, kind)
    with pytest.raises(GuardError, match="starts a process for each step"):
        refuse_process_a_step(run, instance, PLAIN)


def test_a_run_that_has_succeeded_is_not_refused_as_dg_launch_initialises_its_resources_again(
    instance: dg.DagsterInstance, run: dg.DagsterRun
) -> None:
    report(instance, run, Kind.STEP_SUCCESS, Kind.PIPELINE_SUCCESS)
    refuse_process_a_step(run, instance, PLAIN)
