"""Since when consumers run, against the dates of what they read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.desired.consumer.model import ConsumerSpec, ReaderType
from secrets_pipeline.desired.consumer.refresh_model import EcsRefresh, LambdaRefresh
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.reconcilers.consumer.checks import consumers_started_after_rotation
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from tests.reconcilers.consumer.test_refresh import (  # noqa: F401 - an autouse fixture
    ROLE,
    change_value,
    command,
    consumers,
    function,
    refreshing,
    service,
    stage,
)

if TYPE_CHECKING:
    from tests.bench import Bench


def findings(bench: Bench, spec: StackSpec) -> dict[str, Finding]:
    """By consumer; each reads one secret."""
    found = consumers_started_after_rotation(bench.context(spec, writing=False))
    assert len({one.name for one in found}) == len(found)
    return {one.name: one for one in found}


def test_who_started_before_a_value_is_wrong_with_both_times(bench: Bench) -> None:
    spec = refreshing(bench, service(bench), function(bench), stage(bench))
    bench.provision(spec)
    assert {one.verdict for one in findings(bench, spec).values()} == {Verdict.RIGHT}
    version = change_value(bench)
    found = findings(bench, spec)
    assert set(found) == {f"ecs {bench.stack}/orders", f"lambda {bench.stack}", f"apigateway {bench.stack}/dev"}
    for name, one in found.items():
        assert one.verdict is Verdict.WRONG
        assert one.columns["consumer"] == name
        assert one.columns["secret"] == bench.name("api")
        assert one.columns["running since"] <= one.columns["value since"]
        assert f"has version {version[:8]}… since {one.columns['value since']}" in one.detail
        assert f"runs since {one.columns['running since']}" in one.detail


def test_a_rollout_is_waited_for(bench: Bench) -> None:
    spec = refreshing(bench, service(bench))
    bench.provision(spec)
    emulator.set_rollout_seconds(bench.aws, 3600)
    change_value(bench)
    bench.provision(spec)
    one = findings(bench, spec)[f"ecs {bench.stack}/orders"]
    assert one.verdict is Verdict.WAITING
    assert one.detail.endswith("it is being started anew")


@pytest.mark.parametrize("kind", [ReaderType.EKS, ReaderType.EC2, ReaderType.APP])
def test_whose_start_nobody_knows_is_said_and_not_failed(bench: Bench, kind: ReaderType) -> None:
    consumer = ConsumerSpec(
        component="secrets", name="batch", type=kind, principals={"role": ROLE}, secrets=(bench.ref("api"),)
    )
    spec = refreshing(bench, command(bench), consumers=(consumer,))
    bench.provision(spec, "secrets")
    found = findings(bench, spec)
    assert {one.verdict for one in found.values()} == {Verdict.RIGHT}
    assert set(found) == {f"{kind.value} batch", f"ssm {command(bench).name}"}
    assert all("since when it runs is not known" in one.detail for one in found.values())


def test_what_does_not_exist_or_does_not_run_hides_nobody(bench: Bench) -> None:
    gone, empty = LambdaRefresh(function_name="gone"), EcsRefresh(cluster=bench.stack, service="empty")
    bench.session.client("ecs").create_service(
        cluster=bench.stack, serviceName="empty", taskDefinition=bench.stack, desiredCount=0
    )
    spec = refreshing(bench, gone, empty, function(bench))
    bench.provision(spec, "secrets")
    found = findings(bench, spec)
    assert found["lambda gone"].verdict is Verdict.WAITING
    assert found[f"ecs {bench.stack}/empty"].detail == "nothing of it runs"
    assert found[f"lambda {bench.stack}"].verdict is Verdict.WRONG
