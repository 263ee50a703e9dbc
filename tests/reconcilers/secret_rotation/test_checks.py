"""What the rotation checks see: late, stuck, or by a function that cannot run; and no value on the way."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.rotate_now.reconciler import RotateReconciler
from secrets_pipeline.reconcilers.secret_rotation.ages import due_by
from secrets_pipeline.reconcilers.secret_rotation.checks import (
    invokable,
    rotation_function_invokable,
    rotation_not_overdue,
    rotation_not_stuck,
)
from tests.bench import ASSUMED_BY_LAMBDA, ROTATES
from tests.waiting import SECONDS, eventually

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.finding import Finding
    from secrets_pipeline.reconcilers.stack import Stack
    from tests.bench import Bench, Interruption

HANDLER = Path(__file__).parents[2] / "emulator" / "rotation_function.py"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVERY_MONTH = {"AutomaticallyAfterDays": 30}
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def function(bench: Bench, mode: str = "", *, lets_in: bool = True) -> str:
    """A function that rotates a text, or fails as `mode` says; its ARN."""
    archive, name = io.BytesIO(), f"{bench.stack}-rotation"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.write(HANDLER, "index.py")
    iam, functions = bench.session.client("iam"), bench.session.client("lambda")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA)
    iam.put_role_policy(RoleName=name, PolicyName="rotate", PolicyDocument=ROTATES)
    arn = functions.create_function(
        FunctionName=name,
        Role=f"arn:aws:iam::{bench.aws.account_id}:role/{name}",
        Runtime="python3.12",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=SECONDS,
        Environment={"Variables": {"MODE": mode}},
    )["FunctionArn"]
    if lets_in:
        functions.add_permission(
            FunctionName=name, StatementId="s", Action="lambda:InvokeFunction", Principal="secretsmanager.amazonaws.com"
        )
    return arn


def rotating(bench: Bench, arn: str, value: object = "declared", **rules: object) -> StackSpec:
    given = rules or {"automatically_after_days": 30}
    return bench.create(bench.declared("api", value, rotation=RotationSpec(lambda_arn=arn, **given)))


def later(bench: Bench, spec: StackSpec, passed: timedelta = timedelta(0)) -> Stack:
    """A fresh run, that much later."""
    moment = datetime.now(UTC) + passed
    return bench.context(spec, writing=False, now=lambda: moment)


def only(findings: list[Finding]) -> tuple[Verdict, str]:
    (finding,) = findings
    return finding.verdict, finding.detail


def pend(bench: Bench) -> str:
    """A version that is AWSPENDING, as a rotation that does not end leaves it."""
    return bench.secrets.put_secret_value(
        SecretId=bench.name("api"), SecretString="canary-of-a-pending-value", VersionStages=["AWSPENDING"]
    )["VersionId"]


def test_nothing_is_overdue_before_the_window_and_its_lateness_have_passed(bench: Bench) -> None:
    spec = rotating(bench, function(bench), automatically_after_days=30)
    bench.reset_calls()
    assert only(rotation_not_overdue(later(bench, spec, 29 * DAY)))[0] is Verdict.RIGHT
    calls = bench.calls()
    assert (calls["DescribeSecret"], calls["GetSecretValue"]) == (0, 0)
    verdict, detail = only(rotation_not_overdue(later(bench, spec, 35 * DAY)))
    assert (verdict, "never rotated" in detail, "every 30 days" in detail) == (Verdict.WRONG, True, True)
    assert f"`secrets-pipeline rotate {bench.name('api')}`" in detail
    assert bench.calls()["GetSecretValue"] == 0


def test_a_rotation_starts_the_count_anew(bench: Bench) -> None:
    spec = rotating(bench, function(bench), schedule_expression="rate(4 hours)", duration="1h")
    assert only(rotation_not_overdue(later(bench, spec, 8 * HOUR)))[0] is Verdict.WRONG
    bench.secrets.rotate_secret(SecretId=bench.name("api"))
    eventually(lambda: "LastRotatedDate" in bench.describe("api"))
    finding = rotation_not_overdue(later(bench, spec, 2 * HOUR))[0]
    assert (finding.verdict, finding.columns["rules"]) == (Verdict.RIGHT, "rate(4 hours), window 1h")
    assert finding.columns["last rotated"].endswith("UTC")
    verdict, detail = only(rotation_not_overdue(later(bench, spec, 3 * DAY)))
    assert (verdict, "overdue by 2 days" in detail, "last rotated 20" in detail) == (Verdict.WRONG, True, True)


@pytest.mark.parametrize(
    ("known", "due"),
    [
        ({"rotation_rules": EVERY_MONTH}, None),
        ({"created_at": JANUARY}, None),
        ({"rotation_rules": EVERY_MONTH, "created_at": JANUARY}, JANUARY + 31 * DAY),
        ({"rotation_rules": EVERY_MONTH, "created_at": JANUARY, "last_changed_at": JANUARY + DAY}, JANUARY + 32 * DAY),
    ],
)
def test_the_count_begins_with_the_last_change_and_without_a_date_or_rules_never(
    known: dict[str, Any], due: datetime | None
) -> None:
    found = due_by(SecretState("api", "arn", **known))
    assert found == (due + HOUR if due else None)


def test_a_secret_whose_rotation_is_not_on_yet_waits_and_one_without_is_nobodys_concern(bench: Bench) -> None:
    bench.create(bench.declared("api"), bench.declared("other"))
    arn = function(bench)
    spec = bench.spec(
        bench.declared("api", rotation=RotationSpec(lambda_arn=arn, automatically_after_days=30)),
        bench.declared("other"),
        bench.declared("absent", rotation=RotationSpec(lambda_arn=arn, automatically_after_days=30)),
    )
    for judge in (rotation_not_overdue, rotation_function_invokable):
        found = {one.name: one.verdict for one in judge(later(bench, spec))}
        assert found == {bench.name("api"): Verdict.WAITING, bench.name("absent"): Verdict.WAITING}
    assert {one.verdict for one in rotation_not_stuck(later(bench, spec))} == {Verdict.RIGHT}


def test_a_rotation_that_has_just_begun_is_not_stuck_and_one_that_never_ends_is(bench: Bench) -> None:
    spec = rotating(bench, function(bench))
    bench.reset_calls()
    assert only(rotation_not_stuck(later(bench, spec))) == (Verdict.RIGHT, "no rotation is under way")
    assert bench.calls()["ListSecretVersionIds"] == 0
    version = pend(bench)
    assert only(rotation_not_stuck(later(bench, spec, timedelta(minutes=14))))[0] is Verdict.RIGHT
    finding = rotation_not_stuck(later(bench, spec, 3 * HOUR + timedelta(minutes=1)))[0]
    assert (finding.verdict, finding.columns["version"]) == (Verdict.WRONG, version)
    assert f"version {version} has been AWSPENDING for 3 hours" in finding.detail
    assert f"`secrets-pipeline rotate {bench.name('api')}` goes on" in finding.detail
    assert "canary-of-a-pending-value" not in str(finding)
    assert bench.calls()["GetSecretValue"] == 0


def test_pending_on_the_current_version_means_finished(bench: Bench) -> None:
    spec = rotating(bench, function(bench))
    bench.secrets.update_secret_version_stage(
        SecretId=bench.name("api"), VersionStage="AWSPENDING", MoveToVersionId=bench.current("api")
    )
    assert only(rotation_not_stuck(later(bench, spec, 30 * DAY))) == (Verdict.RIGHT, "no rotation is under way")


def lose(bench: Bench) -> None:
    bench.session.client("lambda").delete_function(FunctionName=f"{bench.stack}-rotation")


def shut(bench: Bench) -> None:
    bench.session.client("lambda").remove_permission(FunctionName=f"{bench.stack}-rotation", StatementId="s")


def let_in_for_another_secret(bench: Bench) -> None:
    shut(bench)
    bench.session.client("lambda").add_permission(
        FunctionName=f"{bench.stack}-rotation",
        StatementId="another",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceArn=bench.describe("api")["ARN"].replace("api", "another"),
    )


def cancel(bench: Bench) -> None:
    bench.secrets.cancel_rotate_secret(SecretId=bench.name("api"))


@pytest.mark.parametrize(
    ("broken", "cause"),
    [
        (lose, "rotation does not exist: deploy it"),
        (shut, "does not let secretsmanager.amazonaws.com invoke it: aws lambda add-permission"),
        (cancel, "its rotation was cancelled meanwhile; take the label away"),
    ],
)
def test_a_stuck_rotation_names_its_likely_cause(bench: Bench, broken: Callable[[Bench], None], cause: str) -> None:
    spec = rotating(bench, function(bench))
    pend(bench)
    broken(bench)
    verdict, detail = only(rotation_not_stuck(later(bench, spec, HOUR)))
    assert (verdict, cause in detail) == (Verdict.WRONG, True), detail


def test_a_rotation_of_ours_that_was_stopped_is_gone_on_with(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    fields = {"engine": "postgres", "username": "owner", "dbname": "orders"}
    spec = bench.create(bench.generated(fields=fields), databases=(bench.database(),))
    reconciler = RotateReconciler(bench.context(spec, interruption=interruption), [bench.name("password")])
    interruption.kill_before("ModifyDBInstance")
    with pytest.raises(killed):
        bench.run(reconciler)
    interruption.before = interruption.after = lambda _operation: None
    verdict, detail = only(rotation_not_stuck(later(bench, spec, HOUR)))
    assert verdict is Verdict.WRONG
    assert "`secrets-pipeline rotate` was stopped before its end" in detail
    assert f"`secrets-pipeline rotate {bench.name('password')}` goes on" in detail
    assert "take the label away" not in detail


def test_a_function_that_is_there_and_lets_secrets_manager_in_is_right(bench: Bench) -> None:
    spec = rotating(bench, function(bench))
    verdict, detail = only(rotation_function_invokable(later(bench, spec)))
    assert (verdict, detail.endswith("is there and lets Secrets Manager in")) == (Verdict.RIGHT, True)


@pytest.mark.parametrize(
    ("broken", "cause"),
    [(lose, "does not exist"), (shut, "--source-account"), (let_in_for_another_secret, "does not let")],
)
def test_a_function_that_cannot_be_invoked_is_wrong_and_says_what_to_do(
    bench: Bench, broken: Callable[[Bench], None], cause: str
) -> None:
    spec = rotating(bench, function(bench))
    broken(bench)
    verdict, detail = only(rotation_function_invokable(later(bench, spec)))
    assert (verdict, cause in detail) == (Verdict.WRONG, True), detail


@pytest.mark.parametrize(
    ("shown", "verdict", "detail"),
    [
        ({"State": "Failed", "StateReason": "no subnet"}, Verdict.WRONG, "failed to be deployed: no subnet"),
        ({"LastUpdateStatus": "Failed"}, Verdict.WRONG, "failed to be deployed: without a reason"),
        ({"State": "Pending"}, Verdict.WAITING, "is being made"),
        ("AccessDeniedException", Verdict.RIGHT, "is not ours to look at"),
    ],
)
def test_a_function_is_judged_by_what_lambda_shows_of_it(
    bench: Bench, shown: dict[str, str] | str, verdict: Verdict, detail: str
) -> None:
    context = bench.context(bench.spec(), writing=False)
    with Stubber(context.account.client("lambda")) as stub:
        if isinstance(shown, str):
            stub.add_client_error("get_function_configuration", shown)
        else:
            stub.add_response("get_function_configuration", shown)
        # The stub answers once: a refusal is kept like an answer.
        for _ in range(2):
            found = invokable(context, SecretState("api", "arn", rotation_lambda_arn="f"))
            assert (found.verdict, detail in found.detail) == (verdict, True), found.detail


def test_one_function_of_many_secrets_is_asked_for_once(bench: Bench) -> None:
    arn = function(bench)
    several = [
        bench.declared(f"s{number}", rotation=RotationSpec(lambda_arn=arn, automatically_after_days=30))
        for number in range(5)
    ]
    spec = bench.create(*several)
    bench.reset_calls()
    assert {one.verdict for one in rotation_function_invokable(later(bench, spec))} == {Verdict.RIGHT}
    assert bench.calls("awslambda")["GetFunctionConfiguration"] == 1


@pytest.mark.needs("logs:FilterLogEvents")
def test_a_failed_rotation_is_told_by_its_functions_own_words(bench: Bench) -> None:
    spec = rotating(bench, function(bench, "fail in setSecret"))
    bench.secrets.rotate_secret(SecretId=bench.name("api"))
    eventually(
        lambda: "RuntimeError (what else it said: log group" in only(rotation_not_stuck(later(bench, spec, HOUR)))[1]
    )
    verdict, detail = only(rotation_not_stuck(later(bench, spec, HOUR)))
    assert (verdict, "AWSPENDING for 1 hour: its function failed" in detail) == (Verdict.WRONG, True)
    assert bench.value("api") not in detail
