"""A run that failed says why in the failure of the test."""

from __future__ import annotations

import dagster as dg
import pytest

from secrets_pipeline.orchestration.in_process.running import RunReport
from tests.runs import assert_applied, assert_run_succeeded, assert_succeeded


@dg.op
def broken() -> None:
    raise RuntimeError("what it led to") from KeyError("the cause")


@dg.job
def failing() -> None:
    broken()


def test_a_failed_run_names_its_step_its_error_and_the_cause() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        done = failing.execute_in_process(instance=instance, raise_on_error=False)
        with pytest.raises(AssertionError) as of_the_result:
            assert_succeeded(done)
        with pytest.raises(AssertionError) as of_the_instance:
            assert_run_succeeded(instance, done.run_id)
    for caught in (of_the_result, of_the_instance):
        for text in ("broken", "what it led to", "the cause"):
            assert text in str(caught.value)


def test_a_failed_report_names_its_stack_its_error_and_what_failed() -> None:
    rows = ({"stage": "secrets", "name": "a/b", "outcome": "failed", "detail": "because"},)
    with pytest.raises(AssertionError, match=r"(?s)shop-dev: it broke.*a/b.*because"):
        assert_applied(RunReport("shop-dev", "id", success=False, rows=rows, error="it broke"))
