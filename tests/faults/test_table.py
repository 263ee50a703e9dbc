"""The printed table says what was found."""

from __future__ import annotations

from tests.faults.cases import Case, Kind, Place, Verdict
from tests.faults.table import fault_table, first_runs, problems, stack_table

CREATE, TAG = Place("kms", "CreateKey", 2), Place("kms", "TagResource", 1)
RIGHT = Verdict(Case(CREATE, Kind.LOST), struck=True, first="went through", problems=())
WRONG = Verdict(Case(CREATE, Kind.LOST), struck=True, first="failed", problems=("one key too many", "no alias"))
MISSED = Verdict(Case(TAG, Kind.THROTTLE), struck=False, first="went through", problems=())


def test_a_cell_counts_the_faults_that_met_their_call_and_those_that_ended_right() -> None:
    _, _, create, tag, every = fault_table({"dev": [RIGHT, WRONG, MISSED]}).splitlines()
    assert [cell.strip() for cell in create.split("|")[1:5]] == ["dev", "kms", "CreateKey", "2"]
    assert [cell.strip() for cell in create.split("|")[5:-1]] == ["-"] * 6 + ["1/2", "-"]
    assert [cell.strip() for cell in tag.split("|")[5:-1]] == ["-"] * 8
    assert [cell.strip() for cell in every.split("|")[4:-1]] == ["3", *["**-**"] * 6, "**1/2**", "**-**"]


def test_a_stack_is_one_row_and_all_are_one_more() -> None:
    _, _, dev, prod, every = stack_table({"dev": [RIGHT, WRONG, MISSED], "prod": [RIGHT]}).splitlines()
    assert [cell.strip() for cell in dev.split("|")[1:-1]] == ["`dev`", "3", *["-"] * 6, "1/2", "-"]
    assert [cell.strip() for cell in prod.split("|")[1:-1]] == ["`prod`", "2", *["-"] * 6, "1/1", "-"]
    assert [cell.strip() for cell in every.split("|")[2:-1]] == ["5", *["**-**"] * 6, "**2/3**", "**-**"]


def test_how_the_runs_ended_is_counted_by_fault() -> None:
    _, _, killed, through, failed = first_runs([RIGHT, WRONG, MISSED]).splitlines()
    assert [line.split("|")[8].strip() for line in (killed, through, failed)] == ["0", "1", "1"]
    assert [line.split("|")[4].strip() for line in (killed, through, failed)] == ["0", "0", "0"]


def test_problems_name_stack_fault_and_call() -> None:
    assert list(problems({"dev": [RIGHT, WRONG, MISSED]})) == [
        "dev: lost answer at kms CreateKey #2: one key too many",
        "dev: lost answer at kms CreateKey #2: no alias",
    ]
