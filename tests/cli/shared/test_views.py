from __future__ import annotations

from secrets_pipeline.cli.demo.call_counts import call_counts
from secrets_pipeline.cli.demo.view import check_lines, stage_lines
from secrets_pipeline.cli.shared.progress import line
from secrets_pipeline.cli.shared.run_view import check_counts, check_table, counts, is_error, outcome_table, run_json
from secrets_pipeline.emulator import CountedCall
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Failed, Resource, Skipped
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
        "severity": "ERROR",
        "detail": "wrong",
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


def test_a_progress_line_names_stack_stage_and_resource_and_reads_no_markup() -> None:
    change = Change(Resource("secret", "[bold]a"), ChangeClass.CREATE, (Because("new"),))
    assert line("s", "secrets", Applied(change)).plain == "s secrets ✓ secret [bold]a: new"
    assert line("s", "secrets", Failed(change, SpecError("no", remedy="do"))).plain == "s secrets ✗ secret [bold]a: no"
    assert line("s", "secrets", Skipped(change, "waits")).plain == "s secrets - secret [bold]a: waits"


def test_calls_are_told_apart_by_what_they_do() -> None:
    def call(operation: str, count: int = 1, service: str = "secretsmanager") -> CountedCall:
        return CountedCall(service, operation, "111122223333", "eu-west-2", "p", 200, count=count)

    reading = [("GenerateMac", "kms"), ("AssumeRole", "sts"), ("LookupEvents", "cloudtrail"), ("GET", "s3")]
    idle = call_counts([call("ListSecrets", 3), *(call(name, service=service) for name, service in reading)])
    assert idle.idle
    assert (idle.total, idle.secretsmanager) == (7, 3)
    busy = call_counts([call("PutSecretValue", 2), call("GetSecretValue"), call("UntagResource", service="kms")])
    assert (busy.writes, busy.values_read) == (3, 1)
    assert busy.written == ("kms UntagResource", "secretsmanager PutSecretValue")
    assert str(busy).endswith("3 writes (kms UntagResource, secretsmanager PutSecretValue), 1 GetSecretValue")
