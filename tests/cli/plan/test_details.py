"""What differs piece by piece, in the three formats of a plan."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console

from secrets_pipeline.access.policy_text.differences import policy_details
from secrets_pipeline.cli.plan.formats import PlanFormat
from secrets_pipeline.cli.plan.view import StackPlan, plan_table, summary
from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import Because, ChangedOutside

READ = {"Sid": "Read", "Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
WIDE = {**READ, "Action": "secretsmanager:*"}
DIFFERS = ChangedOutside(
    Because("policy differs", details=policy_details({"Statement": [WIDE]}, {"Statement": [READ]}))
)
PLAN = StackPlan(
    {"secret_policies": [Change(Resource("secret-policy", "shop/api"), ChangeClass.UPDATE, (DIFFERS,), drift=True)]},
    "shop-dev",
    "111122223333",
    "eu-west-2",
    left_out=3,
)
LINES = ("- statement Read: Action: secretsmanager:*", "+ statement Read: Action: secretsmanager:GetSecretValue")


def rendered(capsys: pytest.CaptureFixture[str], output: PlanFormat) -> str:
    output.render([PLAN], {}, unchanged=False, deep=True)
    return capsys.readouterr().out


def test_the_table_has_a_line_a_piece_below_the_reason() -> None:
    assert "1 update; 1 changed outside; 3 left out by --target" in summary(PLAN)
    console = Console(file=StringIO(), width=200, force_terminal=True, color_system=None)
    console.print(plan_table(PLAN, unchanged=False))
    shown = console.file.getvalue()  # type: ignore[attr-defined] # the StringIO above
    first, *pieces = [line.strip() for line in shown.splitlines() if "policy" in line or "statement" in line]
    assert first.endswith("changed outside: policy differs")
    assert tuple(pieces) == LINES


def test_a_pipe_has_them_below_the_reason_too(capsys: pytest.CaptureFixture[str]) -> None:
    shown = [line.strip() for line in rendered(capsys, PlanFormat.TABLE).splitlines()]
    (first,) = (number for number, line in enumerate(shown) if "policy differs" in line)
    assert shown[first].endswith("changed outside: policy differs")
    assert tuple(shown[first + 1 : first + 1 + len(LINES)]) == LINES


def test_json_has_them_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    stack = json.loads(rendered(capsys, PlanFormat.JSON))["stacks"]["shop-dev"]
    assert stack["left_out"] == 3
    what = "statement Read: Action"
    assert stack["changes"][0]["details"] == [
        {"change": "removed", "what": what, "before": "secretsmanager:*", "after": None},
        {"change": "added", "what": what, "before": None, "after": "secretsmanager:GetSecretValue"},
    ]


def test_json_names_the_type_of_each_reason(capsys: pytest.CaptureFixture[str]) -> None:
    (change,) = json.loads(rendered(capsys, PlanFormat.JSON))["stacks"]["shop-dev"]["changes"]
    assert change.get("reason_types") == ["ChangedOutside"]
    assert change["reasons"] == ["changed outside: policy differs"]


def test_markdown_keeps_them_in_the_cell_of_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    shown = rendered(capsys, PlanFormat.MARKDOWN)
    assert "policy differs<br>- statement Read: Action: secretsmanager:&#42;<br>+ statement Read" in shown
    assert "3 left out by --target" in shown
