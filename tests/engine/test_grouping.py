from __future__ import annotations

import pytest

from secrets_pipeline.engine.grouping import grouped, with_examples
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Failed, Outcome, Resource, Skipped
from secrets_pipeline.engine.plan import Plan
from secrets_pipeline.engine.plan import told as told_plan
from secrets_pipeline.engine.reason import Follows, NotOurs, Reason, Waits
from secrets_pipeline.engine.report import rows, told
from secrets_pipeline.errors import AwsError, SpecError

NAMES = [f"shop/{number:03}" for number in range(150)]
OF_ALL = "150, for example shop/000, shop/001, shop/002"


def change(name: str, action: ChangeClass = ChangeClass.CREATE, *reasons: Reason) -> Change:
    return Change(Resource("secret", name), action, reasons)


def refused(name: str) -> Outcome:
    error = AwsError(
        f"CreateSecret {name} failed: refused", remedy="Allow it.", sentence="CreateSecret failed: refused"
    )
    return Failed(change(name), error)


@pytest.mark.parametrize(
    ("subjects", "text"),
    [(["a"], "a"), (["a", "b", "c"], "a, b, c"), (["a", "b", "c", "d"], "4, for example a, b, c"), ([], "")],
)
def test_of_many_three_are_named(subjects: list[str], text: str) -> None:
    assert with_examples(subjects) == text


def test_groups_keep_the_order_in_which_they_come() -> None:
    assert grouped(["b1", "a1", "b2"], lambda one: one[0]) == [["b1", "b2"], ["a1"]]


def test_outcomes_of_one_cause_are_one_row_with_what_to_do() -> None:
    (row,) = told(rows(map(refused, NAMES)))
    assert (row["name"], row["detail"]) == (OF_ALL, "CreateSecret failed: refused. Allow it.")
    every = told(rows(map(refused, NAMES)), every=True)
    assert [one["name"] for one in every] == NAMES
    assert every[7]["detail"] == "CreateSecret shop/007 failed: refused\n  Allow it."
    assert not {"sentence", "remedy", "reason_type"} & {key for one in [row, *every] for key in one}


def test_a_row_names_the_type_of_its_error_or_of_its_reasons() -> None:
    waiting = change("shop/waits", ChangeClass.UPDATE, Waits("the key"), Follows("it"), Waits("the database"))
    refusal = AwsError("refused", code="LimitExceededException", operation="CreateSecret")
    outcomes: list[Outcome] = [
        Skipped(waiting, "waits"),
        Failed(waiting, refusal),
        Failed(waiting, SpecError("no")),
        Applied(waiting),
    ]
    assert [row.get("reason_type") for row in rows(outcomes)] == [
        "Waits, Follows",
        "AwsError CreateSecret LimitExceededException",
        "SpecError",
        "Waits, Follows",
    ]


def test_up_to_three_outcomes_stay_as_they_are_and_different_ones_are_never_one() -> None:
    few = [*map(refused, NAMES[:3]), Applied(change("x"), "declared value"), Skipped(change("y"), "waits")]
    assert [one["name"] for one in told(rows(few))] == [*NAMES[:3], "x", "y"]
    kinds = [Applied(change(name), "generated password") for name in NAMES]
    assert [one["name"] for one in told(rows([*kinds, *map(refused, NAMES)]))] == [OF_ALL, OF_ALL]
    declared = [Applied(change(name), "declared value") for name in NAMES]
    table = rows([*kinds, *declared])
    without = [{key: text for key, text in row.items() if key != "sentence"} for row in table]
    for kept in (table, without):
        assert [one["detail"] for one in told(kept)] == ["generated password", "declared value"]


def test_of_many_with_reasons_of_their_own_ten_are_told_and_the_rest_is_counted() -> None:
    shown = told(rows(Failed(change(name), SpecError(f"no {name}")) for name in NAMES))
    assert [one["name"] for one in shown] == [*NAMES[:10], "140, for example shop/010, shop/011, shop/012"]
    assert shown[-1]["detail"] == "each for a reason of its own"


def test_changes_with_the_same_reason_are_one_row_whose_remedy_is_an_example() -> None:
    def blocked(name: str) -> Change:
        return change(name, ChangeClass.BLOCKED, NotOurs("exists without our tags", f"--adopt {name}"))

    plan = Plan({"secrets": [*map(change, NAMES), *map(blocked, NAMES)]})
    made, kept = told_plan(plan.rows())
    assert (made.action, made.name) == ("create", OF_ALL)
    assert (kept.action, kept.name, kept.reason) == ("blocked", OF_ALL, "exists without our tags")
    assert kept.unblocked_by == "for example: --adopt shop/000"
    assert len(told_plan(plan.rows(), every=True)) == 300
