"""Consumers that run with an older value are started anew, once, and nobody else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.desired.consumer.model import EcsDelivery
from secrets_pipeline.desired.consumer.refresh_model import (
    EcsRefresh,
    LambdaRefresh,
    RefreshSpec,
    SsmRefresh,
    StageRefresh,
)
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.emulator import StandInFunction, StandInRole, StandInService, StandInStage, stand_in
from secrets_pipeline.engine.model import Applied, ChangeClass, Failed, Skipped, Unchanged
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.consumer.ecs_service.refresh import _rollout
from secrets_pipeline.reconcilers.consumer.interface import Progress
from secrets_pipeline.reconcilers.consumer.lambda_function.refresh import VARIABLE
from secrets_pipeline.reconcilers.consumer.refresh import RefreshReconciler
from secrets_pipeline.reconcilers.secret_value.provenance import STAGED
from tests.bench import said

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import DeploymentTypeDef
    from mypy_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef

    from tests.bench import Bench, Interruption

STAGE = "consumer_refresh"
ROLE = "arn:aws:iam::111122223333:role/refreshed"
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}],
}
ARN = "${output.secrets.secret_arns.api}"


@pytest.fixture(autouse=True)
def consumers(bench: Bench) -> Iterator[None]:
    """A function, a service and a stage that Terraform made, named after the bench's stack."""
    stand_in(
        bench.aws,
        [
            StandInRole(ROLE, "ecs-tasks.amazonaws.com", policies={"read": READ}),
            StandInFunction(bench.stack, ROLE),
            StandInService(bench.stack, "orders", bench.stack, "app", ROLE, ROLE),
            StandInStage(bench.stack, "dev"),
        ],
    )
    yield
    emulator.reset_conditions(bench.aws)


def service(bench: Bench) -> EcsRefresh:
    return EcsRefresh(cluster=bench.stack, service="orders")


def function(bench: Bench) -> LambdaRefresh:
    return LambdaRefresh(function_name=bench.stack)


def stage(bench: Bench) -> StageRefresh:
    return StageRefresh(api_name=bench.stack, stage_name="dev")


def command(bench: Bench) -> SsmRefresh:
    return SsmRefresh(
        consumer="batch", document=f"{bench.stack}-restart", targets={"tag:Role": ("batch",)}, parameters={"A": ("b",)}
    )


def refreshing(bench: Bench, *means: object, key: str = "api", **more: object) -> StackSpec:
    refreshes = tuple(RefreshSpec(component="shop", means=one, secrets=(bench.ref(key),)) for one in means)
    return bench.spec(bench.declared(), refreshes=refreshes, **more)


def delivering(bench: Bench) -> EcsDelivery:
    return EcsDelivery(
        component="shop",
        deliver=True,
        refresh=True,
        cluster=bench.stack,
        service="orders",
        family=bench.stack,
        container="app",
        secrets={"API_KEY": bench.late(ARN)},
    )


def change_value(bench: Bench, key: str = "api") -> str:
    return bench.secrets.put_secret_value(SecretId=bench.name(key), SecretString="another")["VersionId"]


def primary(bench: Bench) -> DeploymentTypeDef:
    return bench.session.client("ecs").describe_services(cluster=bench.stack, services=["orders"])["services"][0][
        "deployments"
    ][0]


def versions(bench: Bench) -> set[str]:
    """What the tasks of the bench's service hold."""
    return {
        version
        for task in emulator.running_tasks(bench.aws)
        if task.cluster == bench.stack
        for _, version in task.injected.values()
    }


def configuration(bench: Bench) -> FunctionConfigurationResponseTypeDef:
    return bench.session.client("lambda").get_function_configuration(FunctionName=bench.stack)


def deployed(bench: Bench) -> str:
    api = bench.session.client("apigateway")
    rest = next(one["id"] for one in api.get_rest_apis(limit=500)["items"] if one["name"] == bench.stack)
    found: str = api.get_stage(restApiId=rest, stageName="dev")["deploymentId"]
    return found


def sent(bench: Bench) -> list[Any]:
    listed = bench.session.client("ssm").list_commands()["Commands"]
    return [one for one in listed if one["DocumentName"] == command(bench).document]


def note(bench: Bench) -> str:
    return f"/secrets-pipeline/{bench.stack}/refreshed"


# what is started anew


def test_a_service_that_this_very_run_put_on_a_new_task_definition_is_not_started_again(bench: Bench) -> None:
    spec = refreshing(bench, service(bench), deliveries=(delivering(bench),))
    before = primary(bench)["id"]
    outcomes = bench.provision(spec)
    delivered = primary(bench)["id"]
    assert delivered != before
    assert isinstance(outcomes[f"{STAGE} ecs {bench.stack}/orders"], Unchanged)
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert primary(bench)["id"] == delivered


def test_a_service_is_deployed_again_on_its_task_definition_when_a_secret_has_another_value(bench: Bench) -> None:
    spec = refreshing(bench, service(bench), deliveries=(delivering(bench),))
    bench.provision(spec)
    before = primary(bench)
    newest = change_value(bench)
    assert versions(bench).isdisjoint({newest})
    change = bench.plan(spec, STAGE)[f"ecs {bench.stack}/orders"]
    assert (change.action, said(change)) == (
        ChangeClass.UPDATE,
        (f"api has version {newest[:8]}…, started before it",),
    )
    outcome = bench.provision(spec)[f"{STAGE} ecs {bench.stack}/orders"]
    assert isinstance(outcome, Applied)
    assert outcome.detail == f"started anew: {primary(bench)['id']}"
    assert versions(bench) == {newest}
    assert primary(bench)["taskDefinition"] == before["taskDefinition"]
    again = primary(bench)["id"]
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert primary(bench)["id"] == again


def test_a_run_that_has_nothing_to_start_asks_no_consumer_and_writes_nothing(bench: Bench) -> None:
    spec = refreshing(bench, service(bench), function(bench), stage(bench), command(bench))
    bench.provision(spec)
    bench.reset_calls()
    bench.provision(spec)
    assert not bench.calls("ecs")
    assert not bench.calls("lambda")
    assert not bench.calls("awslambda")
    assert not bench.calls("apigateway")
    assert set(bench.calls("ssm")) == {"GetParametersByPath"}
    assert not bench.calls()["ListSecretVersionIds"]
    assert not bench.calls()["DescribeSecret"]


def test_a_function_gets_one_more_variable_and_keeps_the_others(bench: Bench) -> None:
    bench.session.client("lambda").update_function_configuration(
        FunctionName=bench.stack, Environment={"Variables": {"LOG": "info"}}, Description="theirs"
    )
    spec = refreshing(bench, function(bench))
    bench.provision(spec)
    # It was changed before its secret was made.
    first = configuration(bench)["Environment"]["Variables"]
    assert set(first) == {"LOG", VARIABLE}
    change_value(bench)
    bench.provision(spec)
    second = configuration(bench)
    assert second["Environment"]["Variables"][VARIABLE] > first[VARIABLE]
    assert (second["Environment"]["Variables"]["LOG"], second["Description"]) == ("info", "theirs")
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert configuration(bench)["RevisionId"] == second["RevisionId"]


def test_what_somebody_changes_between_our_read_and_our_write_stays(bench: Bench, interruption: Interruption) -> None:
    spec = refreshing(bench, function(bench))
    bench.provision(spec, "secrets")
    left = [None]

    def interfere(operation: str) -> None:
        if operation == "UpdateFunctionConfiguration" and left:
            left.pop()
            bench.session.client("lambda").update_function_configuration(
                FunctionName=bench.stack, Environment={"Variables": {"THEIRS": "kept"}}
            )

    interruption.before = interfere
    outcome = bench.provision(spec, STAGE, interruption=interruption)[f"{STAGE} lambda {bench.stack}"]
    assert isinstance(outcome, Applied)
    assert set(configuration(bench)["Environment"]["Variables"]) == {"THEIRS", VARIABLE}


def test_a_function_whose_variables_change_all_the_time_fails_and_hides_nobody(
    bench: Bench, interruption: Interruption
) -> None:
    def interfere(operation: str) -> None:
        if operation == "UpdateFunctionConfiguration":
            bench.session.client("lambda").update_function_configuration(FunctionName=bench.stack, Description="again")

    spec = refreshing(bench, function(bench), service(bench))
    bench.provision(spec, "secrets")
    interruption.before = interfere
    outcomes = bench.provision(spec, STAGE, interruption=interruption)
    assert isinstance(outcomes[f"{STAGE} lambda {bench.stack}"], Failed)
    assert isinstance(outcomes[f"{STAGE} ecs {bench.stack}/orders"], Applied)
    outcomes = bench.provision(spec, STAGE)
    # Somebody's change was later than the secret: it replaced the execution environments.
    assert isinstance(outcomes[f"{STAGE} lambda {bench.stack}"], Unchanged)
    assert isinstance(outcomes[f"{STAGE} ecs {bench.stack}/orders"], Unchanged)


def test_a_stage_gets_another_deployment(bench: Bench) -> None:
    spec = refreshing(bench, stage(bench))
    before = deployed(bench)
    assert isinstance(bench.provision(spec)[f"{STAGE} apigateway {bench.stack}/dev"], Applied)
    after = deployed(bench)
    assert after != before
    bench.provision(spec)
    assert deployed(bench) == after


def test_a_command_is_sent_when_a_value_changed_and_not_at_first_sight(bench: Bench) -> None:
    spec = refreshing(bench, command(bench))
    bench.provision(spec)
    assert sent(bench) == []
    newest = change_value(bench)
    change = bench.plan(spec, STAGE)[f"ssm {command(bench).name}"]
    assert said(change) == (f"api has version {newest[:8]}…",)
    bench.provision(spec)
    (one,) = sent(bench)
    assert (one["Parameters"], one["Targets"]) == ({"A": ["b"]}, [{"Key": "tag:Role", "Values": ["batch"]}])
    assert one["Comment"] == f"secrets-pipeline {bench.stack} batch"
    bench.provision(spec)
    assert len(sent(bench)) == 1
    change_value(bench)
    bench.provision(spec)
    assert len(sent(bench)) == 2


def test_a_consumer_of_which_nobody_knows_since_when_it_runs_is_not_started_by_every_deep_run(bench: Bench) -> None:
    spec = refreshing(bench, command(bench))
    bench.provision(spec)
    assert bench.plan(spec, STAGE, options=ApplyOptions(deep=True))[f"ssm {command(bench).name}"].action is (
        ChangeClass.NONE
    )
    bench.provision(spec, options=ApplyOptions(deep=True))
    assert sent(bench) == []
    change_value(bench)
    bench.provision(spec, options=ApplyOptions(deep=True))
    assert len(sent(bench)) == 1


def test_a_command_that_could_not_be_sent_is_sent_by_the_next_run(bench: Bench) -> None:
    spec = refreshing(bench, command(bench))
    bench.provision(spec)
    change_value(bench)
    emulator.arm(bench.aws, emulator.InjectedFault(emulator.FaultAction.DENY, service="ssm", operation="SendCommand"))
    assert isinstance(bench.provision(spec)[f"{STAGE} ssm {command(bench).name}"], Failed)
    emulator.disarm(bench.aws)
    assert isinstance(bench.provision(spec)[f"{STAGE} ssm {command(bench).name}"], Applied)
    assert len(sent(bench)) == 1


# first sight, crashes, rollouts that go on


def test_at_first_sight_only_what_is_older_than_its_secret_is_started_anew(bench: Bench) -> None:
    spec = refreshing(bench, service(bench), function(bench))
    bench.provision(spec, "secrets")
    bench.session.client("ecs").update_service(cluster=bench.stack, service="orders", forceNewDeployment=True)
    newer = primary(bench)["id"]
    outcomes = bench.provision(spec)
    assert isinstance(outcomes[f"{STAGE} ecs {bench.stack}/orders"], Unchanged)
    assert isinstance(outcomes[f"{STAGE} lambda {bench.stack}"], Applied)
    assert primary(bench)["id"] == newer


def test_a_run_killed_before_its_note_starts_nothing_a_second_time(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    spec = refreshing(bench, service(bench))
    bench.provision(spec)
    change_value(bench)
    interruption.kill_before("PutParameter")
    with pytest.raises(killed):
        bench.provision(spec, STAGE, interruption=interruption)
    once = primary(bench)["id"]
    assert isinstance(bench.provision(spec)[f"{STAGE} {note(bench)}"], Applied)
    assert primary(bench)["id"] == once


def test_a_run_killed_before_it_asked_is_made_up_for(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    spec = refreshing(bench, service(bench))
    bench.provision(spec)
    before = primary(bench)["id"]
    change_value(bench)
    interruption.kill_before("UpdateService")
    with pytest.raises(killed):
        bench.provision(spec, STAGE, interruption=interruption)
    assert primary(bench)["id"] == before
    bench.provision(spec)
    assert primary(bench)["id"] != before


def test_a_rollout_is_not_waited_for_nor_asked_for_again_and_noted_when_it_is_done(bench: Bench) -> None:
    spec = refreshing(bench, service(bench), deliveries=(delivering(bench),))
    bench.provision(spec)
    emulator.set_rollout_seconds(bench.aws, 3600)
    change_value(bench)
    reconciler = RefreshReconciler(bench.context(spec))
    outcome = bench.run(reconciler)[f"ecs {bench.stack}/orders"]
    assert isinstance(outcome, Applied)
    assert "on its way" in outcome.detail
    asked = primary(bench)["id"]
    assert [(one.name, one.rollout.id) for one in reconciler.in_flight] == [(f"ecs {bench.stack}/orders", asked)]
    second = RefreshReconciler(bench.context(spec))
    assert {type(one) for one in bench.run(second).values()} == {Unchanged}
    assert [one.rollout.id for one in second.in_flight] == [asked]
    assert primary(bench)["id"] == asked
    emulator.set_rollout_seconds(bench.aws, 0)
    assert isinstance(bench.provision(spec)[f"{STAGE} {note(bench)}"], Applied)
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert primary(bench)["id"] == asked


def test_a_service_whose_tasks_cannot_be_started_fails_with_the_cause_until_it_is_mended(bench: Bench) -> None:
    spec = refreshing(bench, service(bench), function(bench), deliveries=(delivering(bench),))
    bench.provision(spec)
    breaker: Any = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    bench.session.client("ecs").update_service(cluster=bench.stack, service="orders", deploymentConfiguration=breaker)
    held = versions(bench)
    iam = bench.session.client("iam")
    iam.delete_role_policy(RoleName="refreshed", PolicyName="read")
    try:
        newest = change_value(bench)
        for _ in range(2):
            outcome = bench.provision(spec)[f"{STAGE} ecs {bench.stack}/orders"]
            assert isinstance(outcome, Failed)
            assert "not authorized to perform: secretsmanager:GetSecretValue" in outcome.error.message
            assert versions(bench) == held
        assert isinstance(bench.provision(spec)[f"{STAGE} lambda {bench.stack}"], Unchanged)
    finally:
        iam.put_role_policy(RoleName="refreshed", PolicyName="read", PolicyDocument=json.dumps(READ))
    assert isinstance(bench.provision(spec)[f"{STAGE} ecs {bench.stack}/orders"], Applied)
    assert versions(bench) == {newest}


@pytest.mark.parametrize(
    ("desired", "failed", "progress"),
    [(1, 2, "IN_PROGRESS"), (1, 3, "FAILED"), (40, 19, "IN_PROGRESS"), (40, 20, "FAILED"), (1000, 200, "FAILED")],
)
def test_a_large_service_may_lose_more_tasks_before_its_rollout_counts_as_failed(
    desired: int, failed: int, progress: str
) -> None:
    deployment: dict[str, object] = {"id": "d", "status": "PRIMARY", "rolloutState": "IN_PROGRESS"}
    deployment |= {"desiredCount": desired, "failedTasks": failed}
    assert _rollout({"deployments": [deployment]}, deployment).progress == progress


def test_a_service_that_was_rolled_back_is_started_anew_by_the_next_run(bench: Bench) -> None:
    spec = refreshing(bench, service(bench), deliveries=(delivering(bench),))
    bench.provision(spec)
    old = primary(bench)["taskDefinition"]
    rolling: Any = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    bench.session.client("ecs").update_service(cluster=bench.stack, service="orders", deploymentConfiguration=rolling)
    emulator.set_rollout_seconds(bench.aws, 3600)
    newest = change_value(bench)
    bench.provision(spec)
    bench.session.client("iam").delete_role_policy(RoleName="refreshed", PolicyName="read")
    emulator.set_rollout_seconds(bench.aws, 0)
    try:
        assert primary(bench)["taskDefinition"] == old
    finally:
        bench.session.client("iam").put_role_policy(
            RoleName="refreshed", PolicyName="read", PolicyDocument=json.dumps(READ)
        )
    assert newest not in versions(bench)
    assert isinstance(bench.provision(spec)[f"{STAGE} ecs {bench.stack}/orders"], Applied)
    assert versions(bench) == {newest}


def test_a_delivery_whose_rollout_fails_after_the_run_is_followed_and_made_up_for(bench: Bench) -> None:
    spec = refreshing(bench, service(bench), deliveries=(delivering(bench),))
    bench.provision(spec)
    breaking: Any = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    bench.session.client("ecs").update_service(cluster=bench.stack, service="orders", deploymentConfiguration=breaking)
    emulator.set_rollout_seconds(bench.aws, 3600)
    more = delivering(bench).model_copy(update={"environment": {"MODE": bench.late("new")}})
    changed = refreshing(bench, service(bench), deliveries=(more,))
    context = bench.context(changed)
    bench.run(STAGES["consumer_arns"](context))
    refresh = RefreshReconciler(context)
    bench.run(refresh)
    assert [one.rollout.progress for one in refresh.in_flight] == [Progress.IN_PROGRESS]
    bench.session.client("iam").delete_role_policy(RoleName="refreshed", PolicyName="read")
    emulator.set_rollout_seconds(bench.aws, 0)
    assert primary(bench)["rolloutState"] == "FAILED"
    bench.session.client("iam").put_role_policy(
        RoleName="refreshed", PolicyName="read", PolicyDocument=json.dumps(READ)
    )
    assert isinstance(bench.provision(changed)[f"{STAGE} ecs {bench.stack}/orders"], Applied)
    assert primary(bench)["rolloutState"] == "COMPLETED"
    assert {type(one) for one in bench.provision(changed).values()} == {Unchanged}


def test_a_note_that_knows_no_deliveries_starts_nothing_anew(bench: Bench) -> None:
    spec = refreshing(bench, service(bench), deliveries=(delivering(bench),))
    bench.provision(spec)
    started, note = primary(bench)["id"], f"/secrets-pipeline/{bench.stack}/refreshed"
    document = json.loads(bench.ssm.get_parameter(Name=note)["Parameter"]["Value"])
    older = {name: text.partition(".")[0] for name, text in document.items()}
    assert older != document
    bench.ssm.put_parameter(Name=note, Value=json.dumps(older), Overwrite=True)
    # By its dates alone the version might have become current just now.
    bench.session.client("secretsmanager").update_secret_version_stage(
        SecretId=bench.name("api"), VersionStage="pinned", MoveToVersionId=bench.current("api")
    )
    bench.provision(spec)
    assert primary(bench)["id"] == started
    assert json.loads(bench.ssm.get_parameter(Name=note)["Parameter"]["Value"]) == document


def test_a_value_that_went_back_by_hand_counts_from_the_moment_it_did(bench: Bench) -> None:
    spec = refreshing(bench, service(bench), deliveries=(delivering(bench),))
    bench.provision(spec)
    first = bench.current("api")
    newest = change_value(bench)
    bench.provision(spec)
    assert versions(bench) == {newest}
    bench.secrets.update_secret_version_stage(
        SecretId=bench.name("api"), VersionStage="AWSCURRENT", MoveToVersionId=first, RemoveFromVersionId=newest
    )
    assert isinstance(bench.provision(spec, STAGE)[f"{STAGE} ecs {bench.stack}/orders"], Applied)
    assert versions(bench) == {first}


def staged(bench: Bench) -> str:
    """The id of a new version that waits under the label of ours."""
    name, put = bench.name("api"), bench.secrets.put_secret_value
    return put(SecretId=name, SecretString="another", VersionStages=[STAGED])["VersionId"]


def release(bench: Bench, version: str) -> None:
    bench.secrets.update_secret_version_stage(
        SecretId=bench.name("api"),
        VersionStage="AWSCURRENT",
        MoveToVersionId=version,
        RemoveFromVersionId=bench.current("api"),
    )


def test_a_service_that_began_between_the_making_and_the_release_of_a_version_is_started_anew(bench: Bench) -> None:
    """A run is killed after it staged a version; somebody deploys the service; the next run releases the version."""
    spec = refreshing(bench, service(bench), deliveries=(delivering(bench),))
    bench.provision(spec)
    newest = staged(bench)
    bench.session.client("ecs").update_service(cluster=bench.stack, service="orders", forceNewDeployment=True)
    release(bench, newest)
    assert isinstance(bench.provision(spec, STAGE)[f"{STAGE} ecs {bench.stack}/orders"], Applied)
    assert versions(bench) == {newest}


def test_what_changes_of_a_secret_behind_a_rollout_on_its_way_starts_nothing_again(bench: Bench) -> None:
    spec = refreshing(bench, service(bench), deliveries=(delivering(bench),))
    bench.provision(spec)
    emulator.set_rollout_seconds(bench.aws, 3600)
    newest = staged(bench)
    release(bench, newest)
    assert isinstance(bench.provision(spec, STAGE)[f"{STAGE} ecs {bench.stack}/orders"], Applied)
    asked = primary(bench)["id"]
    bench.secrets.tag_resource(SecretId=bench.name("api"), Tags=[{"Key": "Cost", "Value": "7"}])
    assert {type(one) for one in bench.provision(spec, STAGE).values()} == {Unchanged}
    assert primary(bench)["id"] == asked


# what is missing, and what is left over


def test_consumers_that_do_not_exist_are_blocked_and_say_who_makes_them(bench: Bench) -> None:
    gone = (
        EcsRefresh(cluster=bench.stack, service="gone"),
        EcsRefresh(cluster="gone", service="orders"),
        LambdaRefresh(function_name="gone"),
        StageRefresh(api_name=bench.stack, stage_name="gone"),
        StageRefresh(api_name="gone", stage_name="dev"),
    )
    spec = refreshing(bench, *gone, function(bench))
    outcomes = bench.provision(spec)
    blocked = {name: one for name, one in outcomes.items() if "gone" in name}
    assert len(blocked) == 5
    for outcome in blocked.values():
        assert isinstance(outcome, Skipped)
        assert outcome.change.action is ChangeClass.BLOCKED
        assert outcome.reason.endswith(": Terraform makes it")
    assert isinstance(outcomes[f"{STAGE} lambda {bench.stack}"], Applied)


@pytest.mark.parametrize("code", ["ServiceNotFoundException", "ServiceNotActiveException", "ClusterNotFoundException"])
def test_a_service_that_is_deleted_just_before_it_is_started_anew_is_said_to_be_missing(
    bench: Bench, interruption: Interruption, code: str
) -> None:
    """The embedded AWS updates a service that is deleted, so AWS's answer is given in its place.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html#API_UpdateService_Errors
    """
    spec = refreshing(bench, service(bench))
    bench.provision(spec, "secrets")
    context = bench.context(spec, interruption=interruption)
    answer = SimpleNamespace(status_code=400), {"Error": {"Code": code, "Message": "refused"}}
    events: Any = context.account.client("ecs").meta.events
    events.register("before-call.ecs.UpdateService", lambda **_: answer)
    outcome = bench.run(STAGES[STAGE](context))[f"ecs {bench.stack}/orders"]
    assert isinstance(outcome, Skipped)
    assert outcome.reason == f"service orders in cluster {bench.stack} does not exist: Terraform makes it"


def test_nothing_is_started_before_there_is_a_value(bench: Bench) -> None:
    change = bench.plan(refreshing(bench, service(bench)), STAGE)[f"ecs {bench.stack}/orders"]
    assert (change.action, said(change)) == (ChangeClass.NONE, ("none of its secrets has a value yet",))


def test_a_service_that_others_deploy_is_left_to_them(bench: Bench) -> None:
    bench.session.client("ecs").create_service(
        cluster=bench.stack,
        serviceName="blue",
        taskDefinition=bench.stack,
        desiredCount=1,
        deploymentController={"type": "CODE_DEPLOY"},
    )
    spec = refreshing(bench, EcsRefresh(cluster=bench.stack, service="blue"))
    bench.provision(spec)
    change_value(bench)
    change = bench.plan(spec, STAGE)[f"ecs {bench.stack}/blue"]
    assert not change.action.writes


def test_a_note_that_nobody_needs_any_more_is_left_over_until_it_is_pruned(bench: Bench) -> None:
    bench.provision(refreshing(bench, function(bench)))
    without = refreshing(bench)
    assert bench.plan(without, STAGE)[note(bench)].action is ChangeClass.ORPHAN
    unread = bench.plan(without, STAGE, options=ApplyOptions(prune=True), is_complete=False)
    assert unread[note(bench)].action is ChangeClass.BLOCKED
    bench.provision(without, options=ApplyOptions(prune=True))
    assert STAGES[STAGE](bench.context(without, writing=False)).plan() == []


def test_who_leaves_the_stack_leaves_the_note(bench: Bench) -> None:
    bench.provision(refreshing(bench, function(bench), service(bench)))
    spec = refreshing(bench, function(bench))
    change_value(bench)
    bench.provision(spec)
    text = bench.ssm.get_parameter(Name=note(bench))["Parameter"]["Value"]
    assert f"lambda {bench.stack}" in text
    assert "ecs" not in text
