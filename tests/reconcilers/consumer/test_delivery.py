"""References delivered to functions, services and stages, which keep everything else that they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import pytest

from secrets_pipeline.desired.consumer.model import EcsDelivery, LambdaDelivery, StageDelivery
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.emulator import StandInFunction, StandInRole, StandInService, StandInStage, stand_in
from secrets_pipeline.engine.model import Applied, ChangeClass, Failed, Skipped, Unchanged
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.bench import said
from tests.grants import TRUSTED

if TYPE_CHECKING:
    from mypy_boto3_apigateway.type_defs import PatchOperationTypeDef
    from mypy_boto3_ecs.type_defs import ContainerDefinitionTypeDef, TaskDefinitionTypeDef

    from tests.bench import Bench, Interruption

STAGE = "consumer_arns"
ROLE = "arn:aws:iam::111122223333:role/consumer"
ARN = "${output.secrets.secret_arns.api}"


@pytest.fixture(autouse=True)
def consumers(bench: Bench) -> None:
    """What Terraform made: a function, a service and a stage, named after the bench's stack."""
    stand_in(
        bench.aws,
        [
            StandInRole(ROLE, "lambda.amazonaws.com"),
            StandInFunction(bench.stack, ROLE),
            StandInService(bench.stack, "orders", bench.stack, "app", ROLE, ROLE),
            StandInStage(bench.stack, "dev"),
        ],
    )


def delivering(bench: Bench, *deliveries: object) -> StackSpec:
    return bench.spec(bench.declared(), deliveries=deliveries)


def arn(bench: Bench) -> str:
    return bench.describe("api")["ARN"]


# Lambda


def function(bench: Bench, *, deliver: bool = True, **environment: str) -> LambdaDelivery:
    late = {name: bench.late(text) for name, text in environment.items()}
    return LambdaDelivery(component="worker", deliver=deliver, function_name=bench.stack, environment=late)


def variables(bench: Bench) -> dict[str, str]:
    about = bench.session.client("lambda").get_function_configuration(FunctionName=bench.stack)
    found: dict[str, str] = about.get("Environment", {}).get("Variables", {})
    return found


def set_variables(bench: Bench, **values: str) -> None:
    bench.session.client("lambda").update_function_configuration(
        FunctionName=bench.stack, Environment={"Variables": values}
    )


def test_a_function_gets_its_variable_and_keeps_the_others(bench: Bench) -> None:
    set_variables(bench, LOG_LEVEL="info", SECRET_ARN="old")
    spec = delivering(bench, function(bench, SECRET_ARN=ARN))
    bench.provision(spec)
    assert variables(bench) == {"LOG_LEVEL": "info", "SECRET_ARN": arn(bench)}
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_function_changed_between_our_read_and_our_write_fails_and_keeps_the_change(
    bench: Bench, interruption: Interruption
) -> None:
    def interfere(operation: str) -> None:
        if operation == "UpdateFunctionConfiguration":
            set_variables(bench, THEIRS="kept")

    spec = delivering(bench, function(bench, SECRET_ARN=ARN))
    bench.provision(spec, "secrets")
    interruption.before = interfere
    outcome = bench.provision(spec, STAGE, interruption=interruption)[f"{STAGE} worker:{bench.stack}"]
    assert isinstance(outcome, Failed)
    assert variables(bench) == {"THEIRS": "kept"}
    bench.provision(spec, STAGE)
    assert variables(bench) == {"THEIRS": "kept", "SECRET_ARN": arn(bench)}


def test_a_delivery_that_was_made_before_a_crash_is_taken_back_when_the_stack_says_so(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    before, after = (delivering(bench, function(bench, SECRET_ARN=text)) for text in (ARN, ARN + "-other"))
    bench.provision(before)
    interruption.kill_after("UpdateFunctionConfiguration")
    with pytest.raises(killed):
        bench.provision(after, STAGE, interruption=interruption)
    assert variables(bench) == {"SECRET_ARN": arn(bench) + "-other"}
    bench.provision(before)
    assert variables(bench) == {"SECRET_ARN": arn(bench)}
    assert {type(one) for one in bench.provision(before).values()} == {Unchanged}


def test_variables_that_cannot_be_read_are_not_written_over(bench: Bench, interruption: Interruption) -> None:
    set_variables(bench, LOG_LEVEL="info")
    spec = delivering(bench, function(bench, SECRET_ARN=ARN))
    context = bench.context(spec, interruption=interruption)
    context.account.botocore_session.get_component("event_emitter").register(
        "after-call.lambda.GetFunctionConfiguration", unreadable
    )
    bench.provision(spec, "secrets")
    outcome = bench.run(STAGES[STAGE](context))[f"worker:{bench.stack}"]
    assert isinstance(outcome, Failed)
    assert "kms:Decrypt" in outcome.error.remedy
    assert variables(bench) == {"LOG_LEVEL": "info"}


def unreadable(parsed: dict[str, Any], **_: object) -> None:
    """What Lambda answers where the caller may not use the function's key.

    Source: https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentResponse.html
    """
    parsed["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "not authorized"}}


def test_what_is_not_to_be_delivered_is_left_alone(bench: Bench) -> None:
    spec = delivering(bench, function(bench, deliver=False, SECRET_ARN=ARN))
    assert f"worker:{bench.stack}" not in bench.plan(spec, STAGE)
    bench.provision(spec)
    assert variables(bench) == {}


def test_a_reference_without_a_value_yet_is_waited_for(bench: Bench) -> None:
    deliveries = (function(bench, SECRET_ARN=ARN), ecs(bench, secrets={"S": ARN}), stage(bench, v=ARN))
    spec = delivering(bench, *deliveries)
    outcomes = bench.provision(spec, STAGE)
    waiting = [one for name, one in outcomes.items() if "/secrets-pipeline/" not in name]
    assert len(waiting) == 3
    for outcome in waiting:
        assert isinstance(outcome, Skipped)
        assert f"secret {bench.name('api')} does not exist yet" in outcome.reason
        assert outcome.change.reason.startswith("waits: ")


def test_consumers_that_do_not_exist_are_blocked_and_say_who_makes_them(bench: Bench) -> None:
    deliveries = (
        function(bench, SECRET_ARN=ARN).model_copy(update={"function_name": "gone"}),
        ecs(bench, secrets={"S": ARN}).model_copy(update={"service": "gone"}),
        ecs(bench, secrets={"S": ARN}).model_copy(update={"cluster": "gone"}),
        ecs(bench, secrets={"S": ARN}).model_copy(update={"container": "gone"}),
        stage(bench, v=ARN).model_copy(update={"stage_name": "gone"}),
        stage(bench, v=ARN).model_copy(update={"api_name": "gone"}),
    )
    planned = bench.plan(delivering(bench, *deliveries), STAGE)
    changes = [change for name, change in planned.items() if not name.startswith("/")]
    assert len(changes) == 6
    for change in changes:
        assert change.action is ChangeClass.BLOCKED
        assert change.reason.endswith(": Terraform makes it")


def test_a_consumer_that_vanished_after_the_plan_is_skipped(bench: Bench) -> None:
    spec = delivering(bench, function(bench, SECRET_ARN=ARN))
    bench.provision(spec, "secrets")
    reconciler = STAGES[STAGE](bench.context(spec))
    changes = reconciler.plan()
    bench.session.client("lambda").delete_function(FunctionName=bench.stack)
    outcome = bench.run(reconciler, changes)[f"worker:{bench.stack}"]
    assert isinstance(outcome, Skipped)
    assert "does not exist" in outcome.reason


# ECS


def ecs(
    bench: Bench,
    *,
    container: str = "app",
    secrets: dict[str, str] | None = None,
    environment: dict[str, str] | None = None,
) -> EcsDelivery:
    return EcsDelivery(
        component="shop",
        deliver=True,
        cluster=bench.stack,
        service="orders",
        family=bench.stack,
        container=container,
        secrets={name: bench.late(text) for name, text in (secrets or {}).items()},
        environment={name: bench.late(text) for name, text in (environment or {}).items()},
    )


def revisions(bench: Bench) -> int:
    return len(bench.session.client("ecs").list_task_definitions(familyPrefix=bench.stack)["taskDefinitionArns"])


def running(bench: Bench) -> TaskDefinitionTypeDef:
    api = bench.session.client("ecs")
    service = api.describe_services(cluster=bench.stack, services=["orders"])["services"][0]
    return api.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]


def register(bench: Bench, *containers: ContainerDefinitionTypeDef) -> None:
    """Another revision, as Terraform registers it, with the service on it."""
    api = bench.session.client("ecs")
    api.register_task_definition(
        family=bench.stack, executionRoleArn=ROLE, taskRoleArn=ROLE, cpu="256", containerDefinitions=list(containers)
    )
    api.update_service(cluster=bench.stack, service="orders", taskDefinition=bench.stack)


def container(**more: Unpack[ContainerDefinitionTypeDef]) -> ContainerDefinitionTypeDef:
    return {"name": "app", "image": "scratch", "memory": 128, **more}


def test_a_service_gets_its_secret_by_a_new_revision_that_keeps_everything_else(bench: Bench) -> None:
    register(
        bench,
        container(
            secrets=[{"name": "THEIRS", "valueFrom": "arn:theirs"}], environment=[{"name": "LOG", "value": "info"}]
        ),
        container(name="sidecar", environment=[{"name": "X", "value": "y"}]),
    )
    before = revisions(bench)
    spec = delivering(
        bench,
        ecs(
            bench,
            secrets={"API_KEY": ARN},
            environment={"NAME": "${output.worker.function_name}"},
        ),
        function(bench),
    )
    outcome = bench.provision(spec)[f"{STAGE} {bench.stack}/orders/app"]
    assert isinstance(outcome, Applied)
    definition = running(bench)
    app, sidecar = definition["containerDefinitions"]
    assert app["secrets"] == [
        {"name": "THEIRS", "valueFrom": "arn:theirs"},
        {"name": "API_KEY", "valueFrom": arn(bench)},
    ]
    assert app["environment"] == [{"name": "LOG", "value": "info"}, {"name": "NAME", "value": bench.stack}]
    assert sidecar["environment"] == [{"name": "X", "value": "y"}]
    assert (definition["executionRoleArn"], definition["cpu"]) == (ROLE, "256")
    assert revisions(bench) == before + 1
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert revisions(bench) == before + 1


def test_a_run_killed_between_revision_and_service_registers_no_second_one(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    spec = delivering(bench, ecs(bench, secrets={"API_KEY": ARN}))
    before = revisions(bench)

    interruption.kill_after("RegisterTaskDefinition")
    with pytest.raises(killed):
        bench.provision(spec, interruption=interruption)
    change = bench.plan(spec, STAGE)[f"{bench.stack}/orders/app"]
    assert said(change) == ("secret API_KEY is missing",)
    bench.provision(spec)
    assert revisions(bench) == before + 1
    assert running(bench)["containerDefinitions"][0]["secrets"] == [{"name": "API_KEY", "valueFrom": arn(bench)}]


def test_a_revision_that_a_killed_run_left_is_not_released_once_the_stack_says_something_else(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    interruption.kill_after("RegisterTaskDefinition")
    with pytest.raises(killed):
        bench.provision(delivering(bench, ecs(bench, secrets={"API_KEY": ARN})), interruption=interruption)
    bench.provision(delivering(bench, ecs(bench, secrets={"API_KEY": f"{ARN}:key::"})))
    app = running(bench)["containerDefinitions"][0]
    assert app["secrets"] == [{"name": "API_KEY", "valueFrom": f"{arn(bench)}:key::"}]


def test_a_newer_revision_that_nobody_released_is_not_built_on(bench: Bench) -> None:
    # Terraform registered it and rolled the service back, or has not come to it.
    bench.session.client("ecs").register_task_definition(
        family=bench.stack, executionRoleArn=ROLE, containerDefinitions=[container(image="broken")]
    )
    bench.provision(delivering(bench, ecs(bench, secrets={"API_KEY": ARN})))
    app = running(bench)["containerDefinitions"][0]
    assert (app["image"], [one["name"] for one in app["secrets"]]) == ("scratch", ["API_KEY"])


def delivered(bench: Bench, before: TaskDefinitionTypeDef) -> ContainerDefinitionTypeDef:
    """The container as a delivery of its secret, which is made, will have it."""
    bench.provision(bench.spec(bench.declared()))
    (app,) = before["containerDefinitions"]
    return {**app, "secrets": [{"name": "API_KEY", "valueFrom": arn(bench)}]}


@pytest.mark.parametrize("more", ["another image", "another role", "another tag"])
def test_whatever_tags_a_newer_revision_carries_it_is_not_released_unless_it_says_what_would_be_registered(
    bench: Bench, more: str
) -> None:
    api, before = bench.session.client("ecs"), running(bench)
    app = delivered(bench, before)
    withdrawn = api.register_task_definition(
        family=bench.stack,
        executionRoleArn=ROLE,
        taskRoleArn=f"{ROLE}-of-others" if more == "another role" else ROLE,
        containerDefinitions=[{**app, "image": "withdrawn"} if more == "another image" else app],
        tags=[{"key": "team", "value": "others" if more == "another tag" else "shop"}],
    )["taskDefinition"]["taskDefinitionArn"]
    built_on = before["taskDefinitionArn"].rpartition("/")[2]
    api.tag_resource(resourceArn=withdrawn, tags=[{"key": "secrets-pipeline:built-on", "value": built_on}])
    bench.provision(delivering(bench, ecs(bench, secrets={"API_KEY": ARN})))
    released = running(bench)
    assert released["taskDefinitionArn"] != withdrawn
    assert (released["taskRoleArn"], released["containerDefinitions"]) == (before["taskRoleArn"], [app])
    tags = api.describe_task_definition(taskDefinition=released["taskDefinitionArn"], include=["TAGS"])["tags"]
    assert tags == []


def test_a_revision_carries_the_operators_tags_beside_those_of_the_one_before(bench: Bench) -> None:
    api, before = bench.session.client("ecs"), running(bench)
    api.tag_resource(resourceArn=before["taskDefinitionArn"], tags=[{"key": "team", "value": "shop"}])
    settings = OperatorSettings(grants=TRUSTED, tags={"team": "platform", "CostCenter": "1000"})
    spec = delivering(bench, ecs(bench, secrets={"API_KEY": ARN}))
    bench.provision(spec, settings=settings)
    released = running(bench)["taskDefinitionArn"]
    tags = api.describe_task_definition(taskDefinition=released, include=["TAGS"])["tags"]
    assert tags == [{"key": "CostCenter", "value": "1000"}, {"key": "team", "value": "shop"}]
    assert {type(one) for one in bench.provision(spec, settings=settings).values()} == {Unchanged}


def test_tags_that_aws_keeps_for_itself_are_not_passed_on(bench: Bench) -> None:
    api, before = bench.session.client("ecs"), running(bench)
    for key, value in (("aws:cloudformation:stack-name", "shop"), ("team", "shop")):
        api.tag_resource(resourceArn=before["taskDefinitionArn"], tags=[{"key": key, "value": value}])
    bench.create(bench.declared(), deliveries=(ecs(bench, secrets={"API_KEY": ARN}),))
    released = running(bench)["taskDefinitionArn"]
    assert released != before["taskDefinitionArn"]
    tags = api.describe_task_definition(taskDefinition=released, include=["TAGS"])["tags"]
    assert tags == [{"key": "team", "value": "shop"}]


def test_a_revision_that_an_older_version_left_with_its_tag_is_released(bench: Bench) -> None:
    api, before = bench.session.client("ecs"), running(bench)
    app = delivered(bench, before)
    left = api.register_task_definition(
        family=bench.stack,
        executionRoleArn=ROLE,
        taskRoleArn=ROLE,
        containerDefinitions=[app],
        tags=[{"key": "secrets-pipeline:built-on", "value": before["taskDefinitionArn"].rpartition("/")[2]}],
    )["taskDefinition"]["taskDefinitionArn"]
    bench.provision(delivering(bench, ecs(bench, secrets={"API_KEY": ARN})))
    assert running(bench)["taskDefinitionArn"] == left


def test_two_containers_of_one_service_are_delivered_one_after_the_other(bench: Bench) -> None:
    register(bench, container(), container(name="sidecar"))
    spec = delivering(bench, ecs(bench, secrets={"A": ARN}), ecs(bench, container="sidecar", secrets={"B": ARN}))
    first, second = f"{bench.stack}/orders/app", f"{bench.stack}/orders/sidecar"
    assert bench.plan(spec, STAGE)[second].after == (first,)
    bench.provision(spec)
    app, sidecar = running(bench)["containerDefinitions"]
    assert ([one["name"] for one in app["secrets"]], [one["name"] for one in sidecar["secrets"]]) == (["A"], ["B"])


def deployed_by(bench: Bench, controller: str) -> EcsDelivery:
    """A delivery to a service that ECS does not deploy; where it is external, its task sets say what it runs."""
    asked: Any = {"taskDefinition": bench.stack} if controller == "CODE_DEPLOY" else {}
    asked |= {"cluster": bench.stack, "serviceName": "theirs", "deploymentController": {"type": controller}}
    bench.session.client("ecs").create_service(**asked)
    return ecs(bench, secrets={"API_KEY": ARN}).model_copy(update={"service": "theirs"})


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_a_service_that_ecs_does_not_deploy_is_blocked_and_gets_no_revision(bench: Bench, controller: str) -> None:
    spec = delivering(bench, deployed_by(bench, controller))
    before = revisions(bench)
    outcome = bench.provision(spec)[f"{STAGE} {bench.stack}/theirs/app"]
    assert isinstance(outcome, Skipped)
    assert revisions(bench) == before
    change = bench.plan(spec, STAGE)[f"{bench.stack}/theirs/app"]
    assert (change.action, change.reasons[0].problem) == (ChangeClass.BLOCKED, f"{controller} deploys the service")
    assert "write the ARN into the task definition that its pipeline deploys" in change.unblocked_by


def test_a_service_that_codedeploy_gave_the_secret_already_is_in_order(bench: Bench) -> None:
    bench.create(bench.declared())
    register(bench, container(secrets=[{"name": "API_KEY", "valueFrom": arn(bench)}]))
    spec = delivering(bench, deployed_by(bench, "CODE_DEPLOY"))
    assert bench.plan(spec, STAGE)[f"{bench.stack}/theirs/app"].action is ChangeClass.NONE


def test_a_name_that_becomes_a_secret_leaves_the_plain_variables(bench: Bench) -> None:
    register(bench, container(environment=[{"name": "API_KEY", "value": "plain"}]))
    bench.provision(delivering(bench, ecs(bench, secrets={"API_KEY": ARN})))
    app = running(bench)["containerDefinitions"][0]
    assert app["secrets"] == [{"name": "API_KEY", "valueFrom": arn(bench)}]
    assert app["environment"] == []


def test_a_name_that_becomes_a_plain_variable_leaves_the_secrets(bench: Bench) -> None:
    register(bench, container(secrets=[{"name": "API_KEY", "valueFrom": "arn:theirs"}]))
    bench.provision(delivering(bench, ecs(bench, environment={"API_KEY": ARN})))
    app = running(bench)["containerDefinitions"][0]
    assert app["environment"] == [{"name": "API_KEY", "value": arn(bench)}]
    assert app["secrets"] == []


# API Gateway


def stage(bench: Bench, **variables: str) -> StageDelivery:
    late = {name: bench.late(text) for name, text in variables.items()}
    return StageDelivery(component="api", deliver=True, api_name=bench.stack, stage_name="dev", variables=late)


def test_only_the_stage_variables_that_differ_are_patched(bench: Bench) -> None:
    api = bench.session.client("apigateway")
    rest = next(one["id"] for one in api.get_rest_apis(limit=500)["items"] if one["name"] == bench.stack)
    theirs: list[PatchOperationTypeDef] = [{"op": "replace", "path": "/variables/theirs", "value": "kept"}]
    api.update_stage(restApiId=rest, stageName="dev", patchOperations=theirs)
    spec = delivering(bench, stage(bench, secret_arn=ARN))
    bench.provision(spec)
    edited = delivering(bench, stage(bench, secret_arn=ARN, secret_name="${output.secrets.secret_names.api}"))
    change = bench.plan(edited, STAGE)[f"{bench.stack}/dev"]
    assert said(change) == ("stage variable secret_name is missing",)
    outcome = bench.provision(edited)[f"{STAGE} {bench.stack}/dev"]
    assert isinstance(outcome, Applied)
    assert outcome.detail == "stage variables secret_name"
    found = api.get_stage(restApiId=rest, stageName="dev")["variables"]
    assert found == {"theirs": "kept", "secret_arn": arn(bench), "secret_name": bench.name("api")}
    assert {type(one) for one in bench.provision(edited).values()} == {Unchanged}


def test_a_stage_of_two_apis_of_one_name_is_blocked_and_neither_is_changed(bench: Bench) -> None:
    api = bench.session.client("apigateway")
    stand_in(bench.aws, [StandInStage(f"{bench.stack}-second", "dev")])
    ids = {one["name"]: one["id"] for one in api.get_rest_apis(limit=500)["items"]}
    rename: PatchOperationTypeDef = {"op": "replace", "path": "/name", "value": bench.stack}
    api.update_rest_api(restApiId=ids[f"{bench.stack}-second"], patchOperations=[rename])
    outcome = bench.provision(delivering(bench, stage(bench, secret_arn=ARN)))[f"{STAGE} {bench.stack}/dev"]
    assert isinstance(outcome, Skipped)
    assert "several APIs have its name" in outcome.reason
    both = [ids[bench.stack], ids[f"{bench.stack}-second"]]
    assert [api.get_stage(restApiId=one, stageName="dev").get("variables") or {} for one in both] == [{}, {}]


def test_a_secret_in_a_plain_sink_is_refused_without_showing_it(bench: Bench) -> None:
    spec = delivering(bench, function(bench))
    bench.provision(spec)
    leaking = bench.context(delivering(bench, function(bench, LEAK="${output.secrets.secret_values.api}")))
    outcome = bench.run(STAGES[STAGE](leaking))[f"worker:{bench.stack}"]
    assert isinstance(outcome, Failed)
    assert "is secret and must not be used here" in outcome.error.message
    assert "declared" not in outcome.error.diagnostics()
    assert variables(bench) == {}


def test_an_entry_that_is_refused_does_not_hide_behind_one_that_waits(bench: Bench) -> None:
    leaking = ecs(bench, secrets={"S": ARN}, environment={"LEAK": f"${{ssm:/{bench.stack}/secure}}"})
    bench.ssm.put_parameter(Name=f"/{bench.stack}/secure", Value="hidden", Type="SecureString")
    context = bench.context(delivering(bench, leaking), writing=False)
    (change,) = (one for one in STAGES[STAGE](context).plan() if one.resource.kind == "ecs")
    assert change.action is ChangeClass.BLOCKED
    assert "is secret and must not be used here" in change.reason


@pytest.mark.parametrize("options", [ApplyOptions(), ApplyOptions(prune=True)], ids=["left over", "pruned"])
def test_a_delivery_that_left_and_comes_back_is_made_again_where_another_one_took_its_place(
    bench: Bench, options: ApplyOptions
) -> None:
    secrets = (bench.declared(), bench.declared("other"))
    other = function(bench, SECRET_ARN="${output.secrets.secret_arns.other}")
    first = bench.spec(*secrets, deliveries=(function(bench, SECRET_ARN=ARN),))
    bench.provision(first)
    bench.provision(bench.spec(*secrets, deliveries=(of_component(other, "shop"),)))
    assert variables(bench) == {"SECRET_ARN": bench.describe("other")["ARN"]}
    bench.provision(first, options=options)
    assert variables(bench) == {"SECRET_ARN": arn(bench)}


def of_component(delivery: LambdaDelivery, component: str) -> LambdaDelivery:
    return delivery.model_copy(update={"component": component})


def test_a_container_that_does_not_exist_does_not_stop_the_others_of_its_service(bench: Bench) -> None:
    spec = delivering(bench, ecs(bench, container="missing", secrets={"A": ARN}), ecs(bench, secrets={"B": ARN}))
    outcomes = bench.provision(spec)
    assert isinstance(outcomes[f"{STAGE} {bench.stack}/orders/missing"], Skipped)
    assert isinstance(outcomes[f"{STAGE} {bench.stack}/orders/app"], Applied)
    assert [one["name"] for one in running(bench)["containerDefinitions"][0]["secrets"]] == ["B"]
