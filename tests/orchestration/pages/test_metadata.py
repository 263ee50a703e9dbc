"""What pages show: a sentence, tables that fit with red rows first, and data of programs last."""

import json
from dataclasses import replace

import dagster as dg
import pytest

from secrets_pipeline.errors import SpecError
from secrets_pipeline.orchestration.checks import CHECKS
from secrets_pipeline.orchestration.pages.metadata import (
    DATA,
    data_of,
    folded_list,
    outcome_lines,
    outcomes_page,
    program_data,
    table_of,
    telling,
)
from secrets_pipeline.orchestration.shared.partitions import check_key
from secrets_pipeline.orchestration.verification.stack_check import FINDINGS, StackCheck, judged
from secrets_pipeline.reconcilers.finding import Finding, Verdict


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
    in_order = table_of(rows)
    assert isinstance(in_order, dg.TableMetadataValue)
    assert [record.data["name"] for record in in_order.records] == [*map(str, range(100)), "… 100 more"]


def test_an_empty_table_says_so() -> None:
    assert table_of([]).value == "Nothing is declared here."


def lines(shown: object) -> list[object]:
    """The lines of a list as the UI has it: a table of one column."""
    assert isinstance(shown, dg.TableMetadataValue)
    (column,) = shown.schema.columns
    return [record.data[column.name] for record in shown.records]


def row(outcome: str, action: str, name: str, detail: str = "because") -> dict[str, str]:
    """As `engine.report.rows` makes it."""
    common = {"kind": "secret", "component": "c", "passes": "", "reason_type": "Because", "remedy": ""}
    return {"outcome": outcome, "action": action, "name": name, "detail": detail, "sentence": detail, **common}


def test_a_page_begins_with_a_sentence_and_a_table_of_changes_alone_failed_ones_first() -> None:
    outcomes = [
        row("unchanged", "none", "a"),
        row("applied", "create", "b"),
        row("failed", "update", "c", "no right"),
        row("applied", "rotate", "d"),
        row("skipped", "blocked", "e", "waits"),
        row("unchanged", "none", "f"),
    ]
    page = outcomes_page(outcomes)
    assert list(page) == ["summary", "changes"]
    assert page["summary"].value == "1 failed, 1 skipped, 1 created, 1 rotated, 2 as they were"
    assert lines(page["changes"]) == [
        "failed: update secret c (no right)",
        "skipped: blocked secret e (waits)",
        "applied: create secret b (because)",
        "applied: rotate secret d (because)",
    ]


def test_a_page_of_a_run_that_changed_nothing_is_one_sentence() -> None:
    assert list(outcomes_page([row("unchanged", "none", "a")])) == ["summary"]
    assert outcomes_page([row("unchanged", "none", "a")])["summary"].value == "1 as it was"
    assert outcomes_page([])["summary"].value == "nothing is declared here"


def test_of_many_outcomes_what_failed_stays() -> None:
    outcomes = [{**row("applied", "create", "x"), "kind": f"kind-{number}"} for number in range(200)]
    shown = lines(outcome_lines([*outcomes, row("failed", "update", "x", "no right")]))
    assert shown[0] == "failed: update secret x (no right)"
    assert len(shown) == 101
    assert shown[-1] == "… 101 more"


def test_what_programs_read_and_whole_names_stand_behind_a_link() -> None:
    data = program_data({"a": 1})
    assert isinstance(data, dg.JsonMetadataValue)
    assert data_of({DATA: data})["a"] == 1
    assert len(json.dumps(data.data)) >= 1000
    assert len(str(folded_list(["arn:aws:x"]).value)) >= 1000


def test_what_programs_read_is_the_last_entry_also_where_the_ui_sorts_by_the_alphabet() -> None:
    assert max("findings", "counted", "do next", "looked at", "looked closely", "matrix", DATA) == DATA


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_no_table_of_a_check_has_more_than_six_columns(check: StackCheck) -> None:
    found = [("a-dev", Finding("x", Verdict.WRONG, "why", {"principal": "arn:aws:iam::111122223333:role/x"}))]
    for of_several in (False, True):
        table = judged(check, found, of_several=of_several).metadata["findings"]
        assert isinstance(table, dg.TableMetadataValue)
        names = [column.name for column in table.schema.columns]
        assert (names[0], names[-1]) == ("verdict", "detail")
        assert len(names) <= 6


def test_the_line_of_a_check_says_how_many_and_the_first_and_is_short_and_the_rest_is_in_the_table() -> None:
    verdicts = [Verdict.RIGHT] * 3 + [Verdict.WRONG] * 3
    found = [Finding(f"s{number}", verdict, "is " + "late " * 60) for number, verdict in enumerate(verdicts)]
    check = replace(CHECKS[0], red="secrets are overdue")
    made = judged(check, [("a-dev", one) for one in found])
    assert made.description.startswith("3 of 6 secrets are overdue; first: s3, s4, s5: is late")
    assert len(made.description) == 160
    table = made.metadata["findings"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [record.data["verdict"] for record in table.records] == ["wrong"] * 3 + ["right"] * 3
    assert [row["name"] for row in data_of(made.metadata)[FINDINGS]] == ["s3", "s4", "s5"]
    waits = judged(check, [("a-dev", Finding("s", Verdict.WAITING, "waits for AWS")), ("a-dev", found[0])])
    assert waits.description == "1 of 2 wait or could be better; first: s: waits for AWS"
    assert judged(check, [("a-dev", found[0])]).description == "1 as it should be"
