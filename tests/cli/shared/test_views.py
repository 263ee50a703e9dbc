from __future__ import annotations

from secrets_pipeline.cli.demo.call_counts import call_counts
from secrets_pipeline.cli.demo.view import check_lines, stage_lines
from secrets_pipeline.cli.shared.progress import StageCount, far
from secrets_pipeline.cli.shared.run_view import check_counts, check_table, counts, is_error, outcome_table, run_json
from secrets_pipeline.emulator import CountedCall
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Failed, Looked, Resource, Skipped, Unchanged
from secrets_pipeline.engine.reason import Because
from secrets_pipeline.errors import SpecError
from secrets_pipeline.orchestration.in_process.running import CheckRow, RunReport


def row(name: str, outcome: str, stage: str = "secrets", detail: str = "") -> dict[str, str]:
    return {
        "stage": stage,
        "kind": "secret",
        "name": name,
        "component": "c",
        "action": "create",
        "outcome": outcome,
        "detail": detail,
    }


ROWS = (
    row("a", "applied"),
    row("b", "unchanged"),
    row("c", "failed", detail="no\nroom"),
    row("d", "applied", "consumer_arns"),
)
CHECKS = (
    CheckRow("s", "first", passed=True, severity="ERROR", detail=""),
    CheckRow("s", "second", passed=False, severity="WARN", detail="waits"),
    CheckRow("s", "third", passed=False, severity="ERROR", detail="wrong"),
)


def test_outcomes_are_counted_by_kind() -> None:
    assert counts(ROWS) == "2 applied, 1 unchanged, 0 skipped, 1 failed"


def test_the_outcome_table_leaves_out_what_was_unchanged() -> None:
    table = outcome_table(ROWS)
    assert table is not None
    assert table.row_count == 3
    assert outcome_table([row("b", "unchanged")]) is None


def test_only_a_failed_check_of_severity_error_is_an_error() -> None:
    assert [is_error(check) for check in CHECKS] == [False, False, True]
    assert check_counts(CHECKS) == "3 checks: 1 passed, 1 warning, 1 failed"
    assert check_table(CHECKS).row_count == 3


def test_a_run_as_json_has_outcomes_and_checks() -> None:
    shown = run_json(RunReport("s", "r1", success=False, rows=ROWS, error="no"), CHECKS)
    assert shown["run_id"] == "r1"
    assert shown["outcomes"][0]["name"] == "a"
    assert shown["checks"][2] == {
        "stack": "s",
        "check": "third",
        "passed": False,
        "result": "failed",
        "severity": "ERROR",
        "detail": "wrong",
        "open": [],
    }


def test_the_demo_has_one_line_a_stage_failures_first() -> None:
    lines = [" ".join(text.split()) for text in stage_lines(RunReport("s", "r1", success=True, rows=ROWS))]
    assert lines == ["s secrets 1 applied, 1 failed, 1 unchanged c: no room; a", "s consumer_arns 1 applied d"]


def test_the_demo_names_each_check_that_did_not_pass() -> None:
    lines = [" ".join(text.split()) for text in check_lines(CHECKS)]
    assert lines == [
        "passed in s: first",
        "warning in s: second: waits",
        "failed in s: third: wrong",
    ]


def test_progress_has_a_total_a_rate_and_what_is_left_once_a_rate_can_be_told() -> None:
    assert far(120, 150, 10.0) == "120 of 150, 12/s, 2 s left"
    assert far(1, 3, 120.0) == "1 of 3, 0.5/min, 4 min 0 s left"
    assert far(120, 150, 0.5) == "120 of 150"
    assert far(0, 1500, 10.0) == "0 of 1,500"
    assert far(150, 150, 10.0) == "150 of 150"


def test_a_stage_has_one_line_that_counts_outcomes_but_not_what_is_unchanged() -> None:
    change = Change(Resource("secret", "a"), ChangeClass.CREATE, (Because("new"),))
    stage = StageCount("secrets", 4, began=100.0)
    for outcome in (Applied(change), Applied(change), Unchanged(change), Failed(change, SpecError("no"))):
        stage.count(outcome)
    assert stage.moving(102.0) == "secrets 3 of 4, 2/s, 1 s left, 1 failed"
    stage.count(Skipped(change, "waits"))
    assert stage.line("s", 175.0).plain == "s secrets: 2 applied, 1 skipped, 1 failed in 1 min 15 s"
    assert StageCount("secrets", 0, began=0.0).moving(9.0) == "secrets"


def test_checks_are_counted_as_they_are_judged() -> None:
    checks = StageCount("checks", 26, began=100.0)
    for _ in range(13):
        checks.count(Looked())
    assert checks.moving(113.0) == "checks 13 of 26, 1/s, 13 s left"


def test_calls_are_told_apart_by_what_they_do() -> None:
    def call(operation: str, count: int = 1, service: str = "secretsmanager") -> CountedCall:
        return CountedCall(service, operation, "111122223333", "eu-west-2", "p", 200, count=count)

    reading = [("GenerateMac", "kms"), ("AssumeRole", "sts"), ("SimulatePrincipalPolicy", "iam"), ("GET", "s3")]
    idle = call_counts([call("ListSecrets", 3), *(call(name, service=service) for name, service in reading)])
    assert idle.idle
    assert (idle.total, idle.secretsmanager) == (7, 3)
    busy = call_counts([call("PutSecretValue", 2), call("GetSecretValue"), call("UntagResource", service="kms")])
    assert (busy.writes, busy.values_read) == (3, 1)
    assert busy.written == ("kms UntagResource", "secretsmanager PutSecretValue")
    assert str(busy).endswith("3 writes (kms UntagResource, secretsmanager PutSecretValue), 1 GetSecretValue")
