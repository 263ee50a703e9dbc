"""What follows from a plan: consumers that are started anew, values that are rendered from those of another stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.consumer.refresh_model import LambdaRefresh, RefreshSpec
from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.emulator import StandInFunction, StandInRole, stand_in
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Failed, Outcome, Resource, Skipped, Unchanged
from secrets_pipeline.engine.only import Approved
from secrets_pipeline.operations.planning.earlier import Earlier, rewritten
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.references.model import Output
from tests.applying import apply_stack
from tests.bench import Bench
from tests.statements import TLS_ONLY

Plan = dict[str, tuple[Change, ...]]


def by_name(plan: Plan, stage: str) -> dict[str, Change]:
    return {change.resource.name: change for change in plan[stage]}


def test_a_consumer_that_runs_is_planned_to_be_started_anew_and_one_that_does_not_exist_is_not(bench: Bench) -> None:
    refresh = RefreshSpec(
        component="worker", means=LambdaRefresh(function_name=bench.stack), secrets=(bench.ref("api"),)
    )
    spec = bench.spec(bench.declared(), refreshes=(refresh,))

    def planned() -> Change:
        return by_name(plan_stack(bench.context(spec, writing=False)), "consumer_refresh")[refresh.name]

    assert (planned().action, planned().hindrance) == (ChangeClass.BLOCKED, f"function {bench.stack} does not exist")
    role = f"arn:aws:iam::{bench.aws.account_id}:role/{bench.stack}"
    stand_in(bench.aws, [StandInRole(role, "lambda.amazonaws.com"), StandInFunction(bench.stack, role)])
    assert (planned().action, planned().waits) == (ChangeClass.UPDATE, True)
    assert planned().reason == f"is started anew, as {bench.name('api')} gets another value"


def test_a_key_that_is_made_in_the_same_run_gives_its_secrets_another_version(bench: Bench) -> None:
    bench.create(bench.declared())
    moved = bench.spec(bench.declared(kms_key=bench.late("${output.kms.key_arn}")), keys=(bench.key(),))
    assert rewritten(plan_stack(bench.context(moved, writing=False))) == {bench.ref("api")}


def test_a_value_of_another_stack_that_changes_first_changes_what_is_rendered_from_it(bench: Bench) -> None:
    leader = bench.another()
    source = leader.create(leader.declared("source", "first"))
    reading = Output("secrets", ("secret_values", "source"), leader.stack)
    copy, url = bench.declared("copy", reading), bench.declared("url", "${output.secrets.secret_values.copy}")
    follower = bench.spec(copy, url.model_copy(update={"depends_on": (copy.ref,)}))

    def planned(spec: StackSpec, changing: Mapping[str, frozenset[SecretRef]]) -> Plan:
        return plan_stack(bench.context(spec, source, writing=False), earlier=Earlier(dict(changing)))

    made = apply_stack(bench.context(follower, source))
    assert {type(one) for outcomes in made.values() for one in outcomes} <= {Applied, Unchanged}
    idle = by_name(planned(follower, {}), "secrets")
    assert {change.action for change in idle.values()} == {ChangeClass.NONE}

    leader.yaml[("source",)] = "second"
    before = plan_stack(leader.context(source, writing=False))
    changing = {leader.stack: rewritten(before)}
    after = planned(follower, changing)
    secrets = by_name(after, "secrets")
    cause = f"value is rendered from {leader.stack}:secrets#source, which changes"
    assert {name: change.reason for name, change in secrets.items()} == dict.fromkeys(
        map(bench.name, ("copy", "url")), cause
    )

    apply_stack(leader.context(source))
    options = ApplyOptions(only=(Approved.of(after),))
    done = apply_stack(bench.context(follower, source, options=options))["secrets"]
    assert [type(one) for one in done] == [Applied, Applied]
    assert bench.value("url") == "second"


def approved(bench: Bench, spec: StackSpec, **asked: Any) -> dict[str, tuple[Outcome, ...]]:  # noqa: ANN401 - options
    """What becomes of a stack that is applied by its plan alone."""
    plan = plan_stack(bench.context(spec, writing=False, options=ApplyOptions(**asked)))
    return apply_stack(bench.context(spec, options=ApplyOptions(only=(Approved.of(plan),), **asked)))


def undone(done: dict[str, tuple[Outcome, ...]]) -> list[str]:
    return [str(one) for outcomes in done.values() for one in outcomes if isinstance(one, Skipped | Failed)]


def test_the_parts_of_a_secret_that_is_taken_over_are_made_in_the_same_run(bench: Bench) -> None:
    bench.secrets.create_secret(Name=bench.name("password"), SecretString="theirs")
    spec = bench.spec(bench.generated(policy=(TLS_ONLY,)))
    assert undone(approved(bench, spec, adopt=(bench.name("password"),))) == []
    policy = bench.secrets.get_resource_policy(SecretId=bench.name("password"))["ResourcePolicy"]
    assert "SecureTransport" in policy


def test_a_secret_that_comes_back_brings_its_value_and_its_arn_stays_published(bench: Bench) -> None:
    spec = bench.create(bench.declared("a"))
    bench.secrets.delete_secret(SecretId=bench.name("a"), RecoveryWindowInDays=7)
    plan = plan_stack(bench.context(spec, writing=False))
    assert {change.action for change in plan["consumer_arns"]} == {ChangeClass.NONE}
    copy = bench.declared("b", "${output.secrets.secret_values.a}").model_copy(update={"depends_on": (bench.ref("a"),)})
    wider = bench.spec(*spec.secrets, copy)
    planned = by_name(plan_stack(bench.context(wider, writing=False)), "secrets")
    assert [planned[bench.name(one)].action for one in "ab"] == [ChangeClass.RESTORE, ChangeClass.CREATE]
    assert undone(approved(bench, wider)) == []
    assert bench.value("b") == bench.value("a")


def test_the_parts_of_a_secret_that_cannot_be_taken_over_are_blocked_with_it(bench: Bench) -> None:
    bench.secrets.create_secret(Name=bench.name("copy"), SecretString="theirs")
    absent = bench.declared("copy", f"${{ssm:/{bench.stack}/absent}}", policy=(TLS_ONLY,))
    spec = bench.spec(absent)
    options = ApplyOptions(adopt=(bench.name("copy"),))
    plan = plan_stack(bench.context(spec, writing=False, options=options))
    (policy,) = plan["secret_policies"]
    assert policy.action is ChangeClass.BLOCKED
    done = apply_stack(bench.context(spec, options=options))
    assert not any(isinstance(one, Applied) for one in (*done["secrets"], *done["secret_policies"]))


def test_a_parameter_that_another_stack_publishes_is_there_in_its_own_account_and_region_alone(bench: Bench) -> None:
    leader, earlier = bench.another(), Earlier()
    change = Change(Resource("outputs", "/acme/arns"), ChangeClass.CREATE, ancillary=True)
    earlier.learn(leader.context(leader.spec(), writing=False), {"consumer_arns": (change,)})
    here = bench.spec()
    away = here.model_copy(update={"target": here.target.model_copy(update={"region": "us-east-1"})})
    assert "outputs /acme/arns" in earlier.known_to(bench.context(here, writing=False))
    assert "outputs /acme/arns" not in earlier.known_to(bench.context(away, writing=False))


def rotating(bench: Bench, *keys: str) -> StackSpec:
    rotation = RotationSpec(managed=True, strategy=RotationStrategy.RANDOM, automatically_after_days=30)
    function = RotationFunctionSpec(name=f"secrets-pipeline-rotation-{bench.stack}")
    return bench.spec(*(bench.generated(key, rotation=rotation) for key in keys), rotation_function=function)


def test_the_function_is_let_rotate_a_secret_that_is_made_later(bench: Bench) -> None:
    assert undone(approved(bench, rotating(bench, "a"))) == []
    assert undone(approved(bench, rotating(bench, "a", "b"))) == []
    assert bench.describe("b")["RotationEnabled"]


def test_a_rotation_that_somebody_switched_off_changes_nothing_of_its_function(bench: Bench) -> None:
    spec = rotating(bench, "a")
    assert undone(approved(bench, spec)) == []
    bench.secrets.cancel_rotate_secret(SecretId=bench.name("a"))
    plan = plan_stack(bench.context(spec, writing=False))
    changes = [one for stage in plan.values() for one in stage if one.action is not ChangeClass.NONE]
    assert [str(one.resource) for one in changes] == [f"rotation {bench.name('a')}"]
    assert undone(approved(bench, spec)) == []
    assert bench.describe("a")["RotationEnabled"]


def test_a_rotation_that_is_declared_for_a_secret_that_exists_is_let_rotate_it(bench: Bench) -> None:
    assert undone(approved(bench, rotating(bench, "a"))) == []
    added = rotating(bench, "a")
    later = bench.spec(*added.secrets, bench.generated("b", rotation=None), rotation_function=added.rotation_function)
    assert undone(approved(bench, later)) == []
    assert undone(approved(bench, rotating(bench, "a", "b"))) == []
    assert bench.describe("b")["RotationEnabled"]
