"""The managed rotation function: made whole, kept as declared, never somebody else's, and gone when asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Unpack

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline import emulator
from secrets_pipeline.access.granting.attached import ROTATION_POLICY
from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Skipped, Unchanged, is_unmade
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.tag_keys import SPEC, STACK
from secrets_pipeline.rotation.package import build_package
from secrets_pipeline.rotation_lambda.password_rule import decode
from tests.bench import ASSUMED_BY_LAMBDA, Killed, said
from tests.grants import TRUSTED

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef

    from tests.bench import Bench, Interruption, Running

STAGE = "rotation_functions"
RANDOM = RotationSpec(managed=True, strategy=RotationStrategy.RANDOM, automatically_after_days=30)


def rotating(bench: Bench, key: str = "password") -> SecretSpec:
    return bench.generated(key, rotation=RANDOM)


def spec(bench: Bench, *secrets: SecretSpec, **settings: object) -> StackSpec:
    function = RotationFunctionSpec(name=f"{bench.stack}-rotation", **settings)
    return bench.spec(*(secrets or (rotating(bench),)), rotation_function=function)


def name(bench: Bench) -> str:
    return f"{bench.stack}-rotation"


def configuration(bench: Bench) -> FunctionConfigurationResponseTypeDef:
    return bench.session.client("lambda").get_function_configuration(FunctionName=name(bench))


def role_policy(bench: Bench) -> Any:  # noqa: ANN401 - a policy document
    answer = bench.session.client("iam").get_role_policy(RoleName=name(bench), PolicyName=ROTATION_POLICY)
    return answer["PolicyDocument"]


def change(bench: Bench, wanted: StackSpec, **how: Unpack[Running]) -> Change:
    return bench.plan(wanted, STAGE, **how)[name(bench)]


def test_one_function_is_made_with_all_that_it_needs_and_rotation_is_switched_on(bench: Bench) -> None:
    wanted = spec(bench, rotating(bench), rotating(bench, "token"), log_retention_in_days=14)
    outcomes = bench.provision(wanted)
    assert {type(one) for one in outcomes.values()} == {Applied}
    deployed = outcomes[f"{STAGE} {name(bench)}"]
    assert isinstance(deployed, Applied)
    assert deployed.detail == "created; rotates 2 secrets"
    made, package = configuration(bench), build_package()
    assert (made["CodeSha256"], made["Handler"], made["Timeout"]) == (package.sha256, package.handler, 60)
    assert made["Role"].endswith(f":role/{name(bench)}")
    logs = bench.session.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name(bench)}")
    assert [one["retentionInDays"] for one in logs["logGroups"]] == [14]
    policy = json.loads(bench.session.client("lambda").get_policy(FunctionName=name(bench))["Policy"])
    (let_in,) = policy["Statement"]
    assert let_in["Principal"] == {"Service": "secretsmanager.amazonaws.com"}
    assert list(let_in["Condition"].values()) == [{"AWS:SourceAccount": bench.aws.account_id}]
    for key in ("password", "token"):
        about = bench.describe(key)
        assert (about["RotationEnabled"], about["RotationLambdaARN"]) == (True, made["FunctionArn"])
    assert decode(bench.tags("token")["secrets-pipeline:password"]).length == 24
    assert {type(one) for one in bench.provision(wanted).values()} == {Unchanged}


def test_its_role_may_rotate_exactly_these_secrets_and_read_the_superuser_s(bench: Bench) -> None:
    database = {"username": "app", "engine": "postgres", "host": "db", "masterarn": "x"}
    alternating = RotationSpec(
        managed=True,
        strategy=RotationStrategy.ALTERNATING_USERS,
        superuser_secret=bench.ref("master"),
        automatically_after_days=30,
    )
    key = bench.key()
    secrets = (
        bench.generated("master", kms_key=key.alias),
        bench.generated("app", fields=database, rotation=alternating, kms_key=key.alias),
        bench.generated("other"),
    )
    wanted = spec(bench, *secrets).model_copy(update={"keys": (key,)})
    bench.provision(wanted, "kms_keys", "secrets", STAGE)
    arn = f"arn:aws:secretsmanager:{bench.aws.region}:{bench.aws.account_id}:secret:{bench.stack}"
    by_sid = {one["Sid"]: one for one in role_policy(bench)["Statement"]}
    assert by_sid["SecretsPipelineRotate"]["Resource"] == [f"{arn}/app-??????"]
    assert by_sid["SecretsPipelineSuperuser"]["Resource"] == [f"{arn}/master-??????"]
    assert by_sid["SecretsPipelineSuperuser"]["Action"] == ["secretsmanager:GetSecretValue"]
    own_key = bench.kms.describe_key(KeyId=key.alias)["KeyMetadata"]["Arn"]
    for sid, secret in (("SecretsPipelineRotateKey", "app"), ("SecretsPipelineSuperuserKey", "master")):
        assert by_sid[sid]["Resource"] == [own_key]
        assert by_sid[sid]["Condition"]["StringLike"] == {"kms:EncryptionContext:SecretARN": [f"{arn}/{secret}-??????"]}
    assert "ec2" not in json.dumps(by_sid)


def test_a_function_in_a_vpc_may_have_its_interfaces_made_but_not_make_them_itself(bench: Bench) -> None:
    ec2 = bench.session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName=bench.stack, Description="x")["GroupId"]
    wanted = spec(bench, subnet_ids=(subnet,), security_group_ids=(group,))
    bench.provision(wanted, "secrets", STAGE)
    by_sid = {one["Sid"]: one for one in role_policy(bench)["Statement"]}
    assert by_sid["SecretsPipelineNetwork"]["Effect"] == "Allow"
    assert by_sid["SecretsPipelineNetworkByLambdaAlone"]["Effect"] == "Deny"
    assert configuration(bench)["VpcConfig"]["SubnetIds"] == [subnet]
    assert change(bench, wanted).action is ChangeClass.NONE
    moved = change(bench, spec(bench))
    assert said(moved) == (f"VpcConfig differs: {subnet}, {group} → none", "policy of the role differs")


def test_a_no_op_asks_lambda_once_and_others_nothing(bench: Bench) -> None:
    wanted = spec(bench)
    bench.provision(wanted)
    bench.reset_calls()
    bench.provision(wanted)
    everything = {(one.service, one.operation): one.count for one in emulator.calls(bench.aws)}
    assert everything == {
        ("awslambda", "GetFunction"): 1,
        ("kms", "DescribeKey"): 2,
        ("kms", "GenerateMac"): 1,
        ("secretsmanager", "ListSecrets"): 1,
        ("ssm", "GetParametersByPath"): 2,
    }


def test_a_stack_without_managed_rotation_asks_nobody(bench: Bench) -> None:
    wanted = bench.create(bench.generated())
    bench.reset_calls()
    assert {type(one) for one in bench.provision(wanted).values()} == {Unchanged}
    assert not bench.calls("awslambda")
    assert not bench.calls("iam")


def test_what_was_changed_by_hand_is_said_and_put_right(bench: Bench) -> None:
    wanted = spec(bench)
    bench.provision(wanted)
    functions, iam = bench.session.client("lambda"), bench.session.client("iam")
    functions.update_function_configuration(FunctionName=name(bench), Timeout=5, Environment={"Variables": {"A": "b"}})
    found = change(bench, wanted)
    assert (found.action, found.drift) == (ChangeClass.UPDATE, True)
    assert said(found) == ("changed outside: Timeout differs: 5 → 60", "changed outside: Environment differs")
    bench.provision(wanted)
    assert configuration(bench)["Timeout"] == 60
    iam.put_role_policy(RoleName=name(bench), PolicyName=ROTATION_POLICY, PolicyDocument=wide())
    functions.remove_permission(FunctionName=name(bench), StatementId="SecretsPipelineRotation")
    bench.session.client("logs").put_retention_policy(logGroupName=f"/aws/lambda/{name(bench)}", retentionInDays=1)
    assert change(bench, wanted).action is ChangeClass.NONE, "a shallow plan does not see it"
    deep = change(bench, wanted, options=ApplyOptions(deep=True))
    assert deep.drift
    assert [one.removeprefix("changed outside: ")[:20] for one in said(deep)] == [
        "policy of the role d",
        "log retention differ",
        f"function {configuration(bench)['FunctionArn']}"[:20],
    ]
    bench.provision(wanted, options=ApplyOptions(deep=True))
    assert change(bench, wanted, options=ApplyOptions(deep=True)).action is ChangeClass.NONE
    iam.delete_role_policy(RoleName=name(bench), PolicyName=ROTATION_POLICY)
    iam.delete_role(RoleName=name(bench))
    gone = change(bench, wanted, options=ApplyOptions(deep=True))
    assert (gone.action, said(gone)) == (ChangeClass.UPDATE, ("changed outside: role is missing",))


def wide() -> str:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_code_is_uploaded_where_it_differs_and_nowhere_else(bench: Bench) -> None:
    wanted = spec(bench)
    bench.provision(wanted)
    bench.session.client("lambda").update_function_code(FunctionName=name(bench), ZipFile=b"PK\x05\x06" + bytes(18))
    assert said(change(bench, wanted)) == ("changed outside: code differs",)
    bench.provision(wanted)
    assert configuration(bench)["CodeSha256"] == build_package().sha256
    bench.reset_calls()
    bench.session.client("lambda").update_function_configuration(FunctionName=name(bench), MemorySize=512)
    bench.provision(wanted, options=ApplyOptions(deep=True))
    assert "UpdateFunctionCode" not in bench.calls("awslambda")
    assert configuration(bench)["MemorySize"] == 256


def theirs(bench: Bench) -> str:
    """A function of somebody else under our name, with a role of another name."""
    iam, functions = bench.session.client("iam"), bench.session.client("lambda")
    role = iam.create_role(RoleName=f"{bench.stack}-theirs", AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA)["Role"]["Arn"]
    made = functions.create_function(
        FunctionName=name(bench),
        Role=role,
        Runtime="python3.12",
        Handler="their.handler",
        Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
    )
    return str(made["FunctionArn"])


def test_a_function_of_somebody_else_is_never_touched_but_where_the_operator_says_so(bench: Bench) -> None:
    arn, wanted = theirs(bench), spec(bench)
    found = change(bench, wanted)
    assert found.action is ChangeClass.BLOCKED
    take = f"`apply -s {bench.stack} --adopt function:{name(bench)}`"
    assert found.reason.startswith(f"exists without our tags: {take} takes it over")
    assert isinstance(bench.provision(wanted)[f"{STAGE} {name(bench)}"], Skipped)
    assert configuration(bench)["Handler"] == "their.handler"
    for adopt in ("function:another", name(bench), "*", "*:*", f"*{name(bench)}", f"[f]unction:{name(bench)}"):
        assert change(bench, wanted, options=ApplyOptions(adopt=(adopt,))).action is ChangeClass.BLOCKED, adopt
    named = ApplyOptions(adopt=(f"function:{bench.stack}-*",))
    assert change(bench, wanted, options=named).action is ChangeClass.ADOPT
    bench.provision(wanted, options=named)
    assert configuration(bench)["Handler"] == build_package().handler
    assert change(bench, wanted).action is ChangeClass.NONE
    assert bench.session.client("lambda").list_tags(Resource=arn)["Tags"][STACK] == bench.stack


def log_group(bench: Bench) -> str:
    return f"/aws/lambda/{name(bench)}"


def retention(bench: Bench) -> int | None:
    (group,) = bench.session.client("logs").describe_log_groups(logGroupNamePrefix=log_group(bench))["logGroups"]
    return group.get("retentionInDays")


def test_a_log_group_of_somebody_else_keeps_its_retention_and_the_plan_says_so(bench: Bench) -> None:
    logs, wanted = bench.session.client("logs"), spec(bench, log_retention_in_days=1)
    logs.create_log_group(logGroupName=log_group(bench))
    logs.put_retention_policy(logGroupName=log_group(bench), retentionInDays=3653)
    made = bench.provision(wanted)[f"{STAGE} {name(bench)}"]
    assert isinstance(made, Applied)
    left = f"log group {log_group(bench)} keeps its events 3653 days: it exists without our tags"
    assert left in made.detail
    assert retention(bench) == 3653
    # The function is ours from now on; its log group is not.
    deep = ApplyOptions(deep=True)
    found = change(bench, wanted, options=deep)
    assert (found.action, left in found.reason) == (ChangeClass.NONE, True)
    edited = change(bench, spec(bench, log_retention_in_days=3))
    assert (edited.action, left in edited.reason) == (ChangeClass.UPDATE, True)
    bench.provision(spec(bench, log_retention_in_days=3), options=deep)
    assert retention(bench) == 3653
    shorter, arn = spec(bench, log_retention_in_days=5), f"arn:aws:logs:{bench.aws.region}:{bench.aws.account_id}"
    logs.tag_resource(
        resourceArn=f"{arn}:log-group:{log_group(bench)}", tags={STACK: bench.stack, SPEC: "0." + "0" * 32}
    )
    bench.provision(shorter, options=ApplyOptions(deep=True, adopt=("*", "function:*")))
    assert retention(bench) == 3653, "tags that do not prove it"


def test_a_log_group_of_somebody_else_is_taken_over_where_the_operator_says_so(bench: Bench) -> None:
    logs, wanted = bench.session.client("logs"), spec(bench, log_retention_in_days=14)
    logs.create_log_group(logGroupName=log_group(bench))
    bench.provision(wanted)
    assert retention(bench) is None
    bare = ApplyOptions(deep=True, adopt=(name(bench), "*"))
    assert change(bench, wanted, options=bare).action is ChangeClass.NONE
    named = ApplyOptions(adopt=(f"function:{name(bench)}",))
    assert change(bench, wanted, options=named).reason == "changed outside: log retention differs: for ever → 14 days"
    bench.provision(wanted, options=named)
    assert retention(bench) == 14
    bench.provision(spec(bench, log_retention_in_days=30))
    assert retention(bench) == 30


def test_a_role_of_somebody_else_blocks_before_anything_is_made(bench: Bench) -> None:
    bench.session.client("iam").create_role(RoleName=name(bench), AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA)
    wanted = spec(bench)
    bench.provision(wanted, "secrets")
    assert f"role {name(bench)} exists without our tags" in change(bench, wanted).reason
    assert isinstance(bench.provision(wanted)[f"{STAGE} {name(bench)}"], Skipped)
    found = bench.session.client("lambda").list_functions()["Functions"]
    assert name(bench) not in {one["FunctionName"] for one in found}


def test_a_role_of_that_name_under_another_path_is_not_ours_and_another_name_is_the_remedy(bench: Bench) -> None:
    iam, wanted = bench.session.client("iam"), spec(bench)
    iam.create_role(RoleName=name(bench), Path="/theirs/", AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA)
    bench.provision(wanted, "secrets")
    found = change(bench, wanted)
    assert found.action is ChangeClass.BLOCKED
    assert f"role {name(bench)} is arn:aws:iam::" in found.reason
    assert "which the pipeline has not made" in found.reason
    assert "write another name" in found.reason


def test_whoever_adopts_a_secret_or_database_of_that_name_takes_over_no_role(bench: Bench) -> None:
    iam, wanted = bench.session.client("iam"), spec(bench)
    trust = ASSUMED_BY_LAMBDA.replace("lambda.", "ec2.")
    iam.create_role(RoleName=name(bench), AssumeRolePolicyDocument=trust)
    for adopt in ((name(bench),), ("*",)):
        outcome = bench.provision(wanted, options=ApplyOptions(adopt=adopt))[f"{STAGE} {name(bench)}"]
        assert isinstance(outcome, Skipped)
        assert f"`apply -s {bench.stack} --adopt function:{name(bench)}` takes it over" in outcome.reason
        assert iam.get_role(RoleName=name(bench))["Role"]["AssumeRolePolicyDocument"] == json.loads(trust)
    taking = ApplyOptions(adopt=(f"function:{name(bench)}",))
    assert isinstance(bench.provision(wanted, options=taking)[f"{STAGE} {name(bench)}"], Applied)
    assert iam.get_role(RoleName=name(bench))["Role"]["AssumeRolePolicyDocument"] != json.loads(trust)


@pytest.mark.parametrize("mark", ["new", "0" * 32 + "." + "0" * 32])
def test_tags_that_do_not_prove_it_block_it_even_where_it_may_be_adopted(bench: Bench, mark: str) -> None:
    arn, wanted = theirs(bench), spec(bench)
    bench.provision(wanted, "secrets")
    bench.session.client("lambda").tag_resource(Resource=arn, Tags={STACK: bench.stack, SPEC: mark})
    found = change(bench, wanted, options=ApplyOptions(adopt=("*", "function:*")))
    assert (found.action, "do not prove it" in found.reason) == (ChangeClass.BLOCKED, True)


@pytest.mark.parametrize("is_there", [False, True])
def test_its_role_is_bounded_by_the_operators_policy_also_where_it_was_made_without(
    bench: Bench, *, is_there: bool
) -> None:
    iam, wanted = bench.session.client("iam"), spec(bench)
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    boundary = iam.create_policy(PolicyName=f"{bench.stack}-boundary", PolicyDocument=document)["Policy"]["Arn"]
    settings = OperatorSettings(grants=TRUSTED, permissions_boundary=f"{bench.stack}-boundary")
    if is_there:
        bench.provision(wanted)
        assert "PermissionsBoundary" not in iam.get_role(RoleName=name(bench))["Role"]
        assert "permissions boundary of the role differs" in change(bench, wanted, settings=settings).reason
    bench.provision(wanted, settings=settings)
    assert iam.get_role(RoleName=name(bench))["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert {type(one) for one in bench.provision(wanted, settings=settings).values()} == {Unchanged}
    bench.provision(wanted)
    assert "PermissionsBoundary" in iam.get_role(RoleName=name(bench))["Role"], "nobody asked for it to be taken away"


def test_a_run_that_was_killed_at_any_call_is_finished_by_the_next_one(
    bench: Bench, interruption: Interruption
) -> None:
    for operation in (
        "CreateRole",
        "PutRolePolicy",
        "CreateLogGroup",
        "CreateFunction",
        "AddPermission",
        "TagResource",
    ):
        other = bench.another()
        wanted = spec(other)
        other.provision(wanted, "secrets")
        interruption.kill_after(operation)
        with pytest.raises(Killed):
            other.provision(wanted, STAGE, interruption=interruption)
        assert {type(one) for one in other.provision(wanted, STAGE).values()} <= {Applied, Unchanged}
        assert change(other, wanted, options=ApplyOptions(deep=True)).action is ChangeClass.NONE


def test_what_left_the_stack_is_an_orphan_until_it_is_pruned_with_its_role(bench: Bench) -> None:
    bench.provision(spec(bench))
    plain = bench.spec(bench.generated())
    assert change(bench, plain).action is ChangeClass.ORPHAN
    early = bench.provision(plain, STAGE, options=ApplyOptions(prune=True))[f"{STAGE} {name(bench)}"]
    assert isinstance(early, Skipped)
    assert f"{bench.name('password')} still rotates by it" in early.reason
    bench.provision(plain)
    kept = bench.provision(plain, STAGE, options=ApplyOptions(prune=True), is_complete=False)[f"{STAGE} {name(bench)}"]
    assert (kept.change.action, is_unmade(kept)) == (ChangeClass.BLOCKED, False)
    assert kept.change.reason == "is not pruned while a stack or an import cannot be read"
    pruned = bench.provision(plain, options=ApplyOptions(prune=True))[f"{STAGE} {name(bench)}"]
    assert isinstance(pruned, Applied)
    assert pruned.detail.startswith("function deleted, role deleted")
    assert pruned.detail.endswith("its log group stays until its events are too old")
    assert name(bench) not in bench.plan(plain, STAGE)
    iam = bench.session.client("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=name(bench))


def test_a_function_that_was_taken_over_by_others_is_not_pruned(bench: Bench) -> None:
    bench.provision(spec(bench))
    plain = bench.spec(bench.generated())
    bench.provision(plain)
    functions, arn = bench.session.client("lambda"), configuration(bench)["FunctionArn"]
    functions.tag_resource(Resource=arn, Tags={STACK: "another"})
    kept = bench.provision(plain, options=ApplyOptions(prune=True))[f"{STAGE} {name(bench)}"]
    assert isinstance(kept, Skipped)
    assert "do not prove it" in kept.reason


def test_a_secret_that_only_waits_keeps_its_function(bench: Bench) -> None:
    wanted = spec(bench, rotating(bench), rotating(bench, "token"))
    bench.provision(wanted)
    bench.secrets.untag_resource(SecretId=bench.name("token"), TagKeys=[STACK, SPEC])
    settings = spec(bench, rotating(bench), rotating(bench, "token"), log_retention_in_days=60)
    found = change(bench, settings)
    assert found.action is ChangeClass.BLOCKED
    assert "token is not ours" in found.reason
    outcome = bench.provision(settings)[f"{STAGE} {name(bench)}"]
    assert isinstance(outcome, Skipped)
    assert len(role_policy(bench)["Statement"][0]["Resource"]) == 2


def test_a_secret_that_the_run_restores_is_waited_for(bench: Bench) -> None:
    wanted = spec(bench)
    bench.provision(wanted)
    bench.secrets.delete_secret(SecretId=bench.name("password"))
    planned = change(bench, wanted)
    assert (planned.action, planned.waits) == (ChangeClass.UPDATE, True)
    bench.provision(wanted)
    assert change(bench, wanted).action is ChangeClass.NONE


def test_no_rotation_begins_by_somebody_elses_function_of_that_name(bench: Bench) -> None:
    role = f"arn:aws:iam::{bench.aws.account_id}:role/{bench.stack}-theirs"
    theirs = [emulator.StandInRole(role, "lambda.amazonaws.com")]
    emulator.stand_in(
        bench.aws, [*theirs, emulator.StandInFunction(name(bench), role, invoked_by=("secretsmanager.amazonaws.com",))]
    )
    outcomes = bench.provision(spec(bench))
    for stage in (f"{STAGE} {name(bench)}", f"secret_rotation {bench.name('password')}"):
        skipped = outcomes[stage]
        assert isinstance(skipped, Skipped)
        assert "exists without our tags" in skipped.reason
    assert "RotationEnabled" not in bench.describe("password")
    assert "AWSPENDING" not in str(bench.secrets.list_secret_version_ids(SecretId=bench.name("password")))


def test_a_note_that_may_not_be_read_hides_no_function(bench: Bench, interruption: Interruption) -> None:
    wanted = spec(bench)
    bench.provision(wanted)
    context = bench.context(wanted, writing=False, interruption=interruption)

    def refuse(operation: str) -> None:
        if operation == "GetParametersByPath":
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)

    interruption.before = refuse
    function, note = STAGES[STAGE](context).plan()
    assert (function.resource.name, function.action) == (name(bench), ChangeClass.NONE)
    assert (note.resource.kind, note.action) == ("function-note", ChangeClass.BLOCKED)
    assert "GetParametersByPath" in note.reason
