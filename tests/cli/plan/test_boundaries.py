"""A plan tells what crosses a boundary: as a table, as JSON for a policy engine, as Markdown for a pull request."""

from __future__ import annotations

from secrets_pipeline.cli.plan.boundaries import COLUMNS, crossing_rows, crossings_json
from secrets_pipeline.cli.plan.markdown import plans_markdown
from secrets_pipeline.cli.plan.view import StackPlan
from secrets_pipeline.desired.boundary import Boundary, Crossing
from secrets_pipeline.engine.model import Change, ChangeClass, Resource

OTHER = "arn:aws:iam::444455556666:role/reports"


def crossing(
    boundary: Boundary, name: str, key: str, *, subjects: tuple[str, ...] = (), by: str = "grants: stacks shop-*"
) -> Crossing:
    return Crossing(boundary=boundary, name=name, component="app", key=key, subjects=subjects, allowed_by=by)


VALUE = crossing(
    Boundary.VALUE, "app-prod:a.secret_values.s", "vars.secrets.copy.secret_data.v", subjects=("shop/dev/copy",)
)
READER = crossing(Boundary.FOREIGN_READER, OTHER, "vars.consumers.reports", subjects=("shop/dev/token", "shop/dev/pin"))
ROLE = crossing(Boundary.ROLE, "ops/admin", "settings.secrets_pipeline.attach_policies", by="")
FUNCTION = crossing(Boundary.FUNCTION, "payments", "settings.secrets_pipeline.deliver", by="")


def plan(*changes: Change) -> StackPlan:
    return StackPlan({"secrets": changes}, "shop-dev", "111122223333", "eu-west-2", (VALUE, READER, ROLE, FUNCTION))


def change(
    kind: str, name: str, component: str = "", key: str = "", action: ChangeClass = ChangeClass.CREATE
) -> Change:
    return Change(Resource(kind, name, component, key), action)


def concerned(*changes: Change) -> list[str]:
    return [row[1] for row in crossing_rows(plan(*changes), unchanged=False)]


def test_what_a_change_concerns_is_shown_and_all_of_it_only_if_asked_for() -> None:
    assert concerned() == []
    assert concerned(change("secret", "shop/dev/copy", "app", "copy")) == [VALUE.name, ROLE.name, FUNCTION.name]
    assert concerned(change("secret-policy", "shop/dev/pin", "other", "pin")) == [READER.name]
    assert concerned(change("consumer-policy", "ops/admin", "other")) == [ROLE.name]
    assert concerned(change("lambda", "app:payments", "app, web")) == [ROLE.name, FUNCTION.name]
    assert concerned(change("secret", "shop/dev/copy", "app", "copy", ChangeClass.NONE)) == []
    assert [row[1] for row in crossing_rows(plan(), unchanged=True)] == [
        VALUE.name,
        READER.name,
        ROLE.name,
        FUNCTION.name,
    ]


def test_a_row_says_what_for_whom_where_and_by_whose_leave() -> None:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in crossing_rows(plan(), unchanged=True)]
    assert rows[0] == {
        "boundary": "value of another stack",
        "what": "app-prod:a.secret_values.s",
        "for": "shop/dev/copy",
        "declared at": "app: vars.secrets.copy.secret_data.v",
        "allowed by": "grants: stacks shop-*",
    }
    assert rows[2]["allowed by"] == "tag secrets-pipeline:allow of its owner"


def test_json_has_every_crossing_whether_anything_changes_or_not() -> None:
    found = crossings_json(plan(change("secret-policy", "shop/dev/token")))
    assert [(one["name"], one["direction"], one["changes"]) for one in found] == [
        (VALUE.name, "in", False),
        (OTHER, "out", True),
        ("ops/admin", "out", False),
        ("payments", "out", False),
    ]
    assert set(found[0]) == {"boundary", "direction", "name", "component", "key", "for", "allowed_by", "changes"}


def test_markdown_has_a_section_of_its_own_where_something_is_crossed() -> None:
    text = plans_markdown([plan(change("secret-policy", "shop/dev/token"))], {}, unchanged=False, deep=True)
    assert "**Crosses a boundary**" in text
    assert f"reader in another account | `{OTHER}`" in text
    assert "payments" not in text
    assert "Crosses" not in plans_markdown([plan()], {}, unchanged=False, deep=True)
