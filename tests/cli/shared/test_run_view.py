"""What a run of 150 secrets shows: few lines, each as wide as the terminal at most, and nothing of importance lost."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console, RenderableType

from secrets_pipeline.cli.shared.run_report import hint, print_checks, print_outcomes
from secrets_pipeline.cli.shared.run_view import check_json, check_table, outcome_table, passed_lines
from secrets_pipeline.cli.shared.tables import table
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Failed, Resource
from secrets_pipeline.engine.report import rows
from secrets_pipeline.errors import AwsError
from secrets_pipeline.orchestration.in_process.running import CheckRow
from secrets_pipeline.reconcilers.finding import Cause, Finding, Verdict, open_groups

NAMES = [f"shop/dev/{'long-path/' * 5}s{number:03}" for number in range(150)]
STRANGER = "role stranger of 111122223333 can read {}: the identity policy (inline policy all, statement #1) allows it."
READ = [Finding(name, Verdict.WRONG, STRANGER.format(name), sentence=STRANGER.format("it")) for name in reversed(NAMES)]
KEY = "is encrypted under the default key"
MOVED = [Finding(name, Verdict.WRONG, KEY, reason_type=Cause.OTHER_KEY) for name in NAMES]


def check(name: str, findings: list[Finding], stack: str = "shop-dev") -> CheckRow:
    return CheckRow(stack, name, not findings, "ERROR", "", open_groups(findings))


def outcomes() -> list[dict[str, str]]:
    made = [Applied(Change(Resource("secret", name), ChangeClass.CREATE), "generated password") for name in NAMES]
    failed = [
        Failed(
            Change(Resource("secret-policy", name), ChangeClass.UPDATE),
            AwsError(f"PutResourcePolicy {name} failed: refused", sentence="PutResourcePolicy failed: refused"),
        )
        for name in NAMES
    ]
    return [{"stage": "secrets", **row} for row in rows([*made, *failed])]


CHECKS = [check(f"check_{number}", []) for number in range(22)]
CHECKS += [check("nobody_else_can_read", READ), check("secrets_have_current_values", MOVED)]


def drawn(what: RenderableType, width: int) -> list[str]:
    console = Console(file=StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(what)
    written = console.file
    assert isinstance(written, StringIO)
    return written.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 110, 200])
def test_outcomes_and_checks_of_150_secrets_fit_a_terminal_and_no_name_is_cut(width: int) -> None:
    made = outcome_table(outcomes())
    assert made is not None
    told, judged = drawn(made, width), drawn(check_table(one for one in CHECKS if not one.passed), width)
    assert len(told) + len(judged) <= 60
    assert max(map(len, [*told, *judged])) <= width
    for lines, names in ((told, NAMES), (judged, list(reversed(NAMES)))):
        whole = "".join("".join(lines).split())
        assert all(name in whole for name in names[:3])
        assert "150,forexample" in whole
        assert names[3] not in whole


def test_a_sentence_is_said_once_with_what_it_is_said_of(capsys: pytest.CaptureFixture[str]) -> None:
    print_outcomes("shop-dev: run failed", outcomes(), every=False)
    print_checks(CHECKS, every=False)
    hint(outcomes(), CHECKS, every=False)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert len(lines) == 11
    assert f"150, for example {', '.join(NAMES[:3])}" in lines[2]
    assert lines[6].endswith(f"{NAMES[-3]}: {STRANGER.format('it')}")
    assert lines[7].endswith("is encrypted under the default key")
    assert lines[9] == f"passed in shop-dev: {', '.join(f'check_{number}' for number in range(22))}"
    assert lines[10] == "24 checks: 22 passed, 0 warning, 2 failed"
    assert "--show-all" in err


def test_everything_is_listed_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    print_outcomes("shop-dev: run failed", outcomes(), every=True)
    print_checks(CHECKS, every=True)
    hint(outcomes(), CHECKS, every=True)
    out, err = capsys.readouterr()
    assert all(out.count(name) == 5 for name in NAMES)
    assert "check_7" in out
    assert err == ""
    shown = check_json(CHECKS[-1])
    assert shown["open"] == [
        {
            "verdict": "wrong",
            "reason_type": "OtherKey",
            "sentence": "is encrypted under the default key",
            "subjects": tuple(NAMES),
        }
    ]


def test_many_sentences_of_one_check_are_cut_short_and_counted() -> None:
    many = [Finding(name, Verdict.WRONG, f"is wrong in way {number}") for number, name in enumerate(NAMES)]
    shown = check_table([check("marks_verify", many)])
    assert shown.row_count == 6
    assert shown.rows[-1][-1].plain == "… and 145 more: --show-all"
    assert check_table([check("marks_verify", many)], every=True).row_count == 150


def test_checks_that_passed_in_the_same_stacks_share_a_line() -> None:
    found = [check(name, [], stack) for stack in ("a", "b") for name in ("x", "y")]
    assert list(passed_lines([*found, check("z", [], "b"), check("z", MOVED, "a")])) == [
        "passed in a, b: x, y",
        "passed in b: z",
    ]


def test_without_a_terminal_a_row_is_a_line_whose_columns_can_be_told_apart() -> None:
    long = "a reason " * 60
    made = table(("action", "name", "reason"), [("create", NAMES[0], long), ("update", "b", ""), ("none", "c", "x\ny")])
    head, first, second, third = made.lines()
    assert head.split() == ["action", "name", "reason"]
    assert first == f"create  {NAMES[0]:<60}  {long}".rstrip()
    assert second.split() == ["update", "b", "-"]
    assert third.endswith("  x y")
    assert not set("─│━┃") & set("".join(made.lines()))


def test_a_table_of_many_columns_names_them_where_they_have_no_room() -> None:
    made = table(("reader", *NAMES[:5]), [("role orders", *(["Allowed"] * 5))])
    lines = drawn(made, 90)
    assert lines[0] == "role orders"
    assert lines[1] == f"    {NAMES[0]}: Allowed"
    assert len(lines) == 6
