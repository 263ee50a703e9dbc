"""Rotations that failed are explained, tried again where that makes sense, and never cancelled or cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline import emulator
from secrets_pipeline.desired.rotation.model import RotationSpec, RotationStrategy
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.operations.repair_rotation import NothingToRepair, UnfinishedRotation, repair_rotations
from secrets_pipeline.rotation.causes import CauseKind
from tests.reconcilers.secret_rotation.test_checks import function, rotating
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.bench import Bench

FORBIDDEN = {"CancelRotateSecret", "UpdateSecretVersionStage", "DeleteSecret", "PutSecretValue", "GetSecretValue"}


def failed(bench: Bench, mode: str = "fail in setSecret", value: object = "declared") -> StackSpec:
    """A stack whose secret's rotation has failed."""
    spec = rotating(bench, function(bench, mode), value)
    bench.secrets.rotate_secret(SecretId=bench.name("api"))
    until(bench, spec, CauseKind.HANDLER)
    return spec


def look(bench: Bench, spec: StackSpec, *, retry: bool = False) -> NothingToRepair | UnfinishedRotation:
    (one,) = repair_rotations(bench.context(spec, writing=False), [bench.name("api")], lambda _name, _version: retry)
    return one


def until(bench: Bench, spec: StackSpec, kind: CauseKind | None) -> None:
    """Wait until a rotation has failed for a reason, or ended for None."""

    def holds() -> bool:
        one = look(bench, spec)
        return (one.cause.kind if isinstance(one, UnfinishedRotation) else None) is kind

    eventually(holds, lambda: look(bench, spec))


def mended(bench: Bench) -> None:
    """Somebody repairs the function."""
    client = bench.session.client("lambda")
    client.update_function_configuration(
        FunctionName=f"{bench.stack}-rotation", Environment={"Variables": {"MODE": ""}}
    )


def test_a_failure_of_the_handler_is_named_without_its_words_and_not_tried_again(bench: Bench) -> None:
    spec = failed(bench)
    bench.reset_calls()
    one = look(bench, spec, retry=True)
    assert isinstance(one, UnfinishedRotation)
    assert one.cause.detail.startswith("RuntimeError (what else it said: log group /aws/lambda/")
    assert "told to fail" not in one.cause.detail
    assert not one.retried
    assert not {"RotateSecret", *FORBIDDEN} & set(bench.calls())


def test_a_repaired_function_goes_on_with_the_pending_version_when_it_is_time(bench: Bench) -> None:
    spec = failed(bench)
    pending = bench.secrets.describe_secret(SecretId=bench.name("api"))["VersionIdsToStages"]
    (version,) = (one for one, stages in pending.items() if stages == ["AWSPENDING"])
    mended(bench)
    waiting = look(bench, spec)
    assert isinstance(waiting, UnfinishedRotation)
    assert waiting.cause.passes
    assert not waiting.retried
    bench.reset_calls()
    one = look(bench, spec, retry=True)
    assert isinstance(one, UnfinishedRotation)
    assert one.retried
    assert one.version == version
    until(bench, spec, None)
    assert bench.current("api") == version
    assert bench.value("api") == "declared+"


def test_a_rotation_at_a_host_that_nobody_granted_is_not_tried_again(bench: Bench) -> None:
    value = {"engine": "postgres", "host": "db.example.com", "username": "app", "password": "Canary-password-1"}
    spec = failed(bench, value=value)
    mended(bench)
    rotation = RotationSpec(managed=True, strategy=RotationStrategy.SINGLE_USER, automatically_after_days=30)
    secret = bench.declared("api", value, rotation=rotation)
    bench.reset_calls()
    one = look(bench, spec.model_copy(update={"secrets": (secret,)}), retry=True)
    assert isinstance(one, UnfinishedRotation)
    assert (one.cause.passes, one.retried) == (False, False)
    assert str(one.cause).startswith("the pipeline does not log in there: ")
    assert "is not the endpoint, as RDS reports it" in one.cause.detail
    assert "hosts:" in one.cause.remedy
    assert "Canary" not in str(one)
    assert "RotateSecret" not in bench.calls()


def test_an_event_of_a_rotation_that_ended_meanwhile_is_history(bench: Bench) -> None:
    spec = rotating(bench, function(bench))
    bench.secrets.rotate_secret(SecretId=bench.name("api"))
    until(bench, spec, None)
    bench.reset_calls()
    assert look(bench, spec, retry=True) == NothingToRepair(bench.name("api"), "no rotation is under way")
    assert "RotateSecret" not in bench.calls()


def test_a_function_that_may_not_be_invoked_is_said_with_the_command_that_lets_it(bench: Bench) -> None:
    spec = failed(bench)
    bench.session.client("lambda").remove_permission(FunctionName=f"{bench.stack}-rotation", StatementId="s")
    one = look(bench, spec, retry=True)
    assert isinstance(one, UnfinishedRotation)
    assert one.cause.kind is CauseKind.FUNCTION
    assert "add-permission" in one.cause.remedy
    assert not one.retried


def test_a_manual_version_abandons_a_rotation_and_is_left_as_it_is(bench: Bench) -> None:
    spec = failed(bench)
    mended(bench)
    bench.secrets.put_secret_value(SecretId=bench.name("api"), SecretString="by hand")
    # AWS itself takes AWSPENDING off.
    assert isinstance(look(bench, spec, retry=True), NothingToRepair)
    assert bench.value("api") == "by hand"


def test_all_secrets_of_the_stack_are_looked_at_where_none_is_named(bench: Bench) -> None:
    spec = failed(bench)
    found = repair_rotations(bench.context(spec, writing=False), [], lambda _name, _version: False)
    assert [one.name for one in found] == [secret.name for secret in spec.secrets]


def test_a_secret_that_aws_does_not_let_us_look_at_hides_no_other(bench: Bench) -> None:
    spec = failed(bench)
    second = bench.generated("second")
    both = spec.model_copy(update={"secrets": (second, *spec.secrets)})
    bench.provision(both, "secrets")
    context = bench.context(both, writing=False)
    context.observed.secrets.all()
    emulator.arm(
        bench.aws,
        emulator.InjectedFault(emulator.FaultAction.DENY, service="secretsmanager", operation="DescribeSecret"),
    )
    first, other = repair_rotations(context, [second.name, bench.name("api")], lambda _name, _version: False)
    assert isinstance(first, UnfinishedRotation)
    assert (first.cause.kind, first.cause.passes, first.retried) == (CauseKind.REFUSED, True, False)
    assert isinstance(other, UnfinishedRotation)
    assert other.cause.kind is CauseKind.HANDLER


def test_a_try_that_aws_refuses_is_a_cause_of_its_own(bench: Bench) -> None:
    spec = failed(bench)
    mended(bench)
    emulator.arm(
        bench.aws, emulator.InjectedFault(emulator.FaultAction.DENY, service="secretsmanager", operation="RotateSecret")
    )
    one = look(bench, spec, retry=True)
    assert isinstance(one, UnfinishedRotation)
    assert (one.cause.kind, one.retried) == (CauseKind.REFUSED, False)
    assert "RotateSecret" in one.cause.detail
