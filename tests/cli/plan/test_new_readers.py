"""A plan says in one row who newly gains read access; a reader in the stack's own account crosses nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from secrets_pipeline.cli.plan.boundaries import crossing_rows, crossings_json
from secrets_pipeline.cli.plan.markdown import plans_markdown
from secrets_pipeline.cli.plan.view import StackPlan, plan_json, plan_table
from secrets_pipeline.desired.boundary import Boundary, Crossing
from secrets_pipeline.engine.model import Change, ChangeClass, NewReader, Resource
from secrets_pipeline.engine.reason import Because, Missing

OWN = "arn:aws:iam::111122223333:role/orders"
OTHER = "arn:aws:iam::444455556666:role/reports"
TOKEN, PIN = "shop/dev/token", "shop/dev/pin"


def reader(boundary: Boundary, name: str, *subjects: str) -> Crossing:
    by = "declared in its own account" if boundary is Boundary.READER else "grants: stacks shop-*"
    return Crossing(boundary=boundary, name=name, component="app", key="vars", subjects=subjects, allowed_by=by)


CROSSINGS = (reader(Boundary.READER, OWN, TOKEN, PIN), reader(Boundary.FOREIGN_READER, OTHER, PIN))


def plan(*changes: Change) -> StackPlan:
    return StackPlan({"secrets": changes}, "shop-dev", "111122223333", "eu-west-2", CROSSINGS)


def change(kind: str, name: str, action: ChangeClass, *lets_read: NewReader) -> Change:
    return Change(Resource(kind, name, "app"), action, lets_read=lets_read)


def test_declared_readers_gain_a_new_secret_and_one_that_comes_back() -> None:
    made = plan(change("secret", TOKEN, ChangeClass.CREATE), change("secret", PIN, ChangeClass.RESTORE))
    assert made.new_readers == {OWN: [TOKEN, PIN], OTHER: [PIN]}


def test_of_a_secret_that_exists_only_a_policy_that_lets_somebody_in_is_a_gain() -> None:
    assert plan(change("secret", TOKEN, ChangeClass.UPDATE)).new_readers == {}
    gained = NewReader(OTHER, TOKEN)
    assert plan(change("secret-policy", TOKEN, ChangeClass.UPDATE, gained)).new_readers == {OTHER: [TOKEN]}
    assert plan(change("secret-policy", TOKEN, ChangeClass.BLOCKED, gained)).new_readers == {}


@pytest.mark.parametrize("kind", ["consumer", "consumer-policy"])
def test_a_role_that_does_not_exist_gains_nothing(kind: str) -> None:
    lacking = replace(
        change(kind, "app", ChangeClass.BLOCKED, NewReader(OWN, PIN)), reasons=(Missing("role orders does not exist"),)
    )
    made = (change("secret", TOKEN, ChangeClass.CREATE), change("secret", PIN, ChangeClass.CREATE))
    assert plan(*made, lacking).new_readers == {OWN: [TOKEN], OTHER: [PIN]}
    refused = replace(lacking, reasons=(Because("the operator says no"),))
    assert plan(*made, refused).new_readers == {OWN: [TOKEN, PIN], OTHER: [PIN]}


def test_it_is_one_row_and_no_change_more() -> None:
    made = plan(change("secret", TOKEN, ChangeClass.CREATE), change("secret", PIN, ChangeClass.CREATE))
    *changes, row = plan_table(made, unchanged=False).rows
    assert (len(changes), made.counts) == (2, {"create": 2})
    assert [cell.plain for cell in row] == [
        "",
        "let read",
        "reader",
        "2 gain read access",
        "",
        f"{OWN} reads {TOKEN}, {PIN}\n{OTHER} reads {PIN}",
    ]
    assert plan_json(made, unchanged=False)["lets_read"] == [
        {"principal": OWN, "secrets": [TOKEN, PIN]},
        {"principal": OTHER, "secrets": [PIN]},
    ]
    text = plans_markdown([made], {}, unchanged=False, deep=True)
    assert "**Newly lets read**" in text
    assert f"| `{OTHER}` | `{PIN}` |" in text


def test_without_a_gain_there_is_no_row() -> None:
    made = plan(change("secret", TOKEN, ChangeClass.UPDATE))
    assert len(plan_table(made, unchanged=False).rows) == 1
    assert "Newly lets read" not in plans_markdown([made], {}, unchanged=False, deep=True)


def test_a_reader_in_the_stacks_own_account_is_no_crossing() -> None:
    made = plan(change("secret", TOKEN, ChangeClass.CREATE), change("secret", PIN, ChangeClass.CREATE))
    assert [row[1] for row in crossing_rows(made, unchanged=True)] == [OTHER]
    assert [one["name"] for one in crossings_json(made)] == [OTHER]
