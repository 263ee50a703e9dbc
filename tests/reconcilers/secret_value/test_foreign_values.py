"""A secret that no mark proves to be the stack's: nothing of its value is read, whoever asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.connection.checks import connections
from secrets_pipeline.reconcilers.database.credential_checks import credential_logins
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.reconcilers.observed.login import Login, Refused
from secrets_pipeline.reconcilers.secret_value.checks import current_values
from secrets_pipeline.reconcilers.secret_value.read import read_value
from secrets_pipeline.reconcilers.secret_value.strength_checks import secret_values_well_formed
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.reconcilers.tag_keys import INPUTS
from tests.bench import Interruption, during

if TYPE_CHECKING:
    from tests.bench import Bench

THEIRS = {
    "engine": "postgres",
    "host": "theirs.example",
    "port": 6543,
    "username": "root",
    "password": "Canary-9-theirs",
}

CHECKS: dict[str, Callable[[Stack], list[Finding]]] = {
    "secret_values_well_formed": secret_values_well_formed,
    "credential_logins": credential_logins,
    "connections": partial(connections, deep=True),
    "current_values": partial(current_values, connections=True),
}


@pytest.fixture
def theirs(bench: Bench) -> str:
    """A secret of somebody else, under a name that the stack declares; its ARN."""
    arn: str = bench.secrets.create_secret(Name=bench.name("db"), SecretString=json.dumps(THEIRS))["ARN"]
    return arn


def copied_inputs(bench: Bench, fields: dict[str, str]) -> None:
    """Tag theirs as rendered from what the stack would render it from: who may set tags copies that from his own."""
    bench.create(bench.declared("own", fields, needs_endpoint=True), bench.generated(), databases=(bench.database(),))
    bench.secrets.tag_resource(SecretId=bench.name("db"), Tags=[{"Key": INPUTS, "Value": bench.tags("own")[INPUTS]}])


def spied(bench: Bench, spec: StackSpec, *, writing: bool) -> tuple[Stack, list[str]]:
    """A context that looks closely, and the ARNs that it asks the values of."""
    context = bench.context(spec, options=ApplyOptions(deep=True), writing=writing, interruption=Interruption())
    read: list[str] = []
    events = context.account.botocore_session.get_component("event_emitter")
    events.register(
        "provide-client-params.secrets-manager.GetSecretValue", lambda params, **_: read.append(params["SecretId"])
    )
    events.register(
        "provide-client-params.secrets-manager.BatchGetSecretValue",
        lambda params, **_: read.extend(params["SecretIdList"]),
    )
    return context, read


@pytest.mark.parametrize("check", CHECKS)
def test_no_check_reads_it_or_logs_in_with_it(bench: Bench, theirs: str, check: str) -> None:
    fields = {"engine": "postgres", "host": "${output.rds.address}", "username": "u", "password": "p", "probe": "1"}
    copied_inputs(bench, fields)
    spec = bench.spec(
        bench.declared("db", fields, needs_endpoint=True), bench.generated(), databases=(bench.database(),)
    )
    context, read = spied(bench, spec, writing=False)
    tried: list[object] = []

    def log_in(*asked: object, **_how: object) -> Login:
        tried.append(asked)
        return Refused()

    context = during(context, sleep=lambda _: None, log_in=log_in)
    found = {one.name: one for one in CHECKS[check](context)}[bench.name("db")]
    if check == "current_values":
        said = "exists and belongs to somebody else; `plan` says to whom"
        assert (found.verdict, found.detail, found.reason_type) == (Verdict.WRONG, said, "NotOurs")
    else:
        assert found.verdict is Verdict.WAITING
        assert "is not ours" in found.detail
    assert (theirs not in read, tried) == (True, [])


def test_whoever_else_asks_for_it_is_refused_before_the_call(bench: Bench, theirs: str) -> None:
    context = bench.context(bench.spec(bench.declared("db")), writing=False)
    state = context.observed.secrets.get(bench.name("db"))
    assert state is not None
    assert state.arn == theirs
    bench.reset_calls()
    with pytest.raises(SkippedError, match="is not read: it is not ours"):
        read_value(context, state)
    assert bench.calls()["GetSecretValue"] == 0


def test_a_superuser_of_others_is_not_read_before_a_rotation(bench: Bench, theirs: str) -> None:
    rotation = RotationSpec(
        managed=True,
        strategy=RotationStrategy.ALTERNATING_USERS,
        superuser_secret=bench.ref("db"),
        automatically_after_days=30,
    )
    own = {
        "engine": "postgres",
        "host": "mine.example",
        "username": "app",
        "password": "Canary-mine-1",
        "masterarn": theirs,
    }
    spec = bench.spec(
        bench.declared("app", own, rotation=rotation),
        bench.declared("db", {"engine": "postgres"}),
        rotation_function=RotationFunctionSpec(name=f"{bench.stack}-f"),
    )
    bench.provision(spec, "secrets", "rotation_functions")
    read: list[str] = []
    for writing in (False, True):
        context, now = spied(bench, spec, writing=writing)
        stage = STAGES["secret_rotation"](context, deep=True)
        said = repr(bench.run(stage) if writing else stage.plan())
        read += now
        assert bench.name("app") in said
        assert not [value for value in ("theirs.example", "6543", "another engine, host or port") if value in said]
    assert {arn.rsplit(":", 1)[1][:-7] for arn in read} == {bench.name("app")}
