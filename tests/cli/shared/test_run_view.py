"""What a run of 150 secrets shows: few lines, each as wide as the terminal at most, and nothing of importance lost."""

from __future__ import annotations

from io import StringIO

import dagster as dg
import pytest
from rich.console import Console, RenderableType

from secrets_pipeline.cli.shared.console import show
from secrets_pipeline.cli.shared.run_report import hint, print_checks, print_outcomes
from secrets_pipeline.cli.shared.run_view import check_counts, check_json, check_table, outcome_table
from secrets_pipeline.cli.shared.tables import table
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Failed, Resource
from secrets_pipeline.engine.report import rows
from secrets_pipeline.errors import AwsError
from secrets_pipeline.operations.runbook import cure
from secrets_pipeline.orchestration.alerts.verdicts import Transition, transition_alert
from secrets_pipeline.orchestration.alerts.verdicts import Verdict as Judged
from secrets_pipeline.orchestration.in_process.running import CheckRow
from secrets_pipeline.reconcilers.finding import Cause, Finding, Verdict, open_groups

NAMES = [f"shop/dev/{'long-path/' * 5}s{number:03}" for number in range(150)]
STRANGER = "role stranger of 111122223333 can read {}: the identity policy (inline policy all, statement #1) allows it."
READ = [Finding(name, Verdict.WRONG, STRANGER.format(name), sentence=STRANGER.format("it")) for name in reversed(NAMES)]
KEY = "is encrypted under the default key"
MOVED = [Finding(name, Verdict.WRONG, KEY, reason_type=Cause.OTHER_KEY) for name in NAMES]


def check(name: str, findings: list[Finding], stack: str = "shop-dev") -> CheckRow:
    return CheckRow(stack, name, not findings, "ERROR", "", open_groups(findings))


def verdict_of(name: str) -> Judged:
    key = dg.AssetCheckKey(dg.AssetKey("access_matrix"), name)
    return Judged(key, "shop-dev", 0.0, "run", red=True, description="")


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
    assert "150, for example" in lines[2]
    assert all(name in out for name in NAMES[:3])
    words = " ".join(out.split())
    assert words.count(STRANGER.format("it")) == 1
    assert words.count(f"{NAMES[2]}: {KEY}") == 1
    assert "check_7" not in out
    assert lines[-1] == "24 checks: 22 passed, 0 warning, 2 failed"
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


def test_a_failed_check_carries_the_cure_that_its_alert_has_and_a_warning_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    denied = [Finding("worker", Verdict.WRONG, "role worker cannot read it")]
    waits = CheckRow("shop-dev", "consumers_are_trusted", False, "WARN", "waits")
    print_checks([check("consumers_can_read", denied), waits], every=False)
    said = capsys.readouterr().out
    assert "access policy -s shop-dev --consumer CONSUMER" in said
    assert "attach_policies: true" in said
    alert = transition_alert(Transition(verdict_of("consumers_can_read"), None), "link")
    assert " ".join(cure("consumers_can_read", "shop-dev").split()) in " ".join(alert.text.split())
    assert " ".join(cure("consumers_can_read", "shop-dev").split()) in " ".join(said.split())
    assert "What to do about consumers_are_trusted" not in said


def test_checks_of_several_stacks_share_a_cure_and_an_error_of_a_whole_stack_is_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = [Finding("a", Verdict.WRONG, "is wrong")]
    print_checks([check("marks_verify", wrong, stack) for stack in ("a-dev", "b-dev")], every=False)
    assert capsys.readouterr().out.count("What to do about marks_verify") == 1
    print_checks([check("marks_verify", [Finding("a-dev", Verdict.WRONG, "no account")], "a-dev")], every=False)
    assert "What to do" not in capsys.readouterr().out


def test_the_count_says_if_a_run_left_checks_out() -> None:
    assert check_counts(CHECKS[:2], left_out=True) == (
        "2 checks: 2 passed, 0 warning, 0 failed; `secrets-pipeline verify` runs the remaining checks"
    )
    assert check_counts(CHECKS[:1]) == "1 check: 1 passed, 0 warning, 0 failed"
    assert check_counts([]) == "no check had anything to judge"


def test_a_pipe_has_the_table_of_a_terminal_of_120_columns_or_of_as_many_as_it_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    made = table(("action", "name", "reason"), [("create", NAMES[0], "a reason " * 60), ("update", "b", "x\ny")])
    show(made)
    assert capsys.readouterr().out.splitlines() == [line.rstrip() for line in drawn(made, 120)]
    monkeypatch.setenv("COLUMNS", "1000")
    show(made)
    head, first, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["action", "name", "reason"]
    assert first == f"create  {NAMES[0]}  {'a reason ' * 60}".rstrip()
    assert not set("─│━┃") & set("".join(drawn(made, 120)))


def test_the_cells_that_have_no_room_stand_below_each_behind_its_heading() -> None:
    made = table(("reader", *NAMES[:5]), [("role orders", *(["Allowed"] * 5))])
    lines = drawn(made, 90)
    assert lines[:2] == [f"reader       {NAMES[0]}", f"role orders  {'Allowed':<{len(NAMES[0])}}".rstrip()]
    assert lines[2] == f"    {NAMES[1]}: Allowed"
    assert len(lines) == 6
