import os
import subprocess
import sys
import uuid
from pathlib import Path

import dagster as dg
import pytest

from secrets_pipeline.errors import GuardError, SpecError
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG, check_key
from secrets_pipeline.orchestration.shared.run_lock import (
    PROCESS_TAG,
    end_abandoned,
    is_gone,
    stack_lock,
    this_process,
)
from secrets_pipeline.orchestration.shared.stage_runner import table_of, telling


def ended_process() -> str:
    """A process of this host that has ended, named as `this_process` would."""
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            "from secrets_pipeline.orchestration.shared import run_lock; print(run_lock.this_process())",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return child.stdout.strip()


def test_a_process_that_runs_is_not_gone_and_one_that_ended_is() -> None:
    assert not is_gone(this_process())
    assert is_gone(ended_process())


def test_a_reused_process_id_does_not_count_as_alive() -> None:
    host, pid, started = this_process().split()
    assert is_gone(f"{host} {pid} {int(started) - 1}")


@pytest.mark.parametrize("process", ["", "elsewhere 1 2", f"{os.uname().nodename} x y"])
def test_of_other_hosts_and_untagged_runs_nobody_knows(process: str) -> None:
    assert not is_gone(process)


def test_only_runs_whose_process_is_gone_are_ended(tmp_path: Path) -> None:
    dead_process = ended_process()
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:

        def started(process: str, stack: str = "a") -> str:
            run = dg.DagsterRun(
                job_name="provision",
                run_id=str(uuid.uuid4()),
                status=dg.DagsterRunStatus.STARTED,
                tags={PARTITION_TAG: stack, PROCESS_TAG: process},
            )
            return instance.add_run(run).run_id

        dead, alive, other = started(dead_process), started(this_process()), started(dead_process, stack="b")
        own = started(dead_process)
        end_abandoned(instance, "a", own)
        status = {run.run_id: run.status for run in instance.get_runs()}
    assert status[dead] is dg.DagsterRunStatus.FAILURE
    assert {status[alive], status[other], status[own]} == {dg.DagsterRunStatus.STARTED}


def test_the_lock_keeps_others_out_and_is_free_afterwards(tmp_path: Path) -> None:
    with stack_lock(tmp_path, "111122223333", "a"):
        with (
            pytest.raises(GuardError, match="another run of stack a"),
            stack_lock(tmp_path, "111122223333", "a", seconds=0),
        ):
            pass
        with stack_lock(tmp_path, "111122223333", "b", seconds=0), stack_lock(tmp_path, "222222222222", "a", seconds=0):
            pass
    with stack_lock(tmp_path, "111122223333", "a", seconds=0):
        pass


@pytest.mark.parametrize("stack", ["", "a/b", "..", "a\nb", "a\\b"])
def test_a_stack_name_that_could_leave_its_folder_is_refused(stack: str) -> None:
    with pytest.raises(SpecError, match="partition key"):
        check_key(stack)


def test_a_table_has_a_column_for_each_of_its_first_row_and_its_cells_as_they_are() -> None:
    table = table_of([{"name": "a|b", "detail": "one\ntwo"}, {"name": "c"}])
    assert isinstance(table, dg.TableMetadataValue)
    assert [column.name for column in table.schema.columns] == ["name", "detail"]
    assert [record.data for record in table.records] == [
        {"name": "a|b", "detail": "one\ntwo"},
        {"name": "c", "detail": ""},
    ]


def test_a_long_table_keeps_what_is_most_telling_and_says_how_much_it_leaves_out() -> None:
    rows = [{"name": str(number), "outcome": "unchanged"} for number in range(200)]
    rows[150]["outcome"] = "applied"
    rows[199]["outcome"] = "failed"
    table = table_of(rows, telling)
    assert isinstance(table, dg.TableMetadataValue)
    shown = [record.data for record in table.records]
    assert [one["name"] for one in shown] == ["199", "150", *map(str, range(98)), "… 100 more"]
    whole = table_of(rows)
    assert isinstance(whole, dg.TableMetadataValue)
    assert len(whole.records) == len(rows)


def test_an_empty_table_says_so() -> None:
    assert table_of([]).value == "Nothing is declared here."
