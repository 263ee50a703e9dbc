"""Inline policies of consumers: on roles of our own account, only where asked, and only for secrets of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.consumer.model import ConsumerSpec, ReaderType
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Failed, Outcome, Skipped, Unchanged, is_unmade
from secrets_pipeline.operations.as_declared import as_declared
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.consumer_policy.reconciler import ConsumerPolicyReconciler
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.run import Run
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.reconcilers.tag_keys import PREFIX, STACK
from tests.bench import said

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

    from tests.bench import Bench, Interruption

STAGE = "consumer_policies"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


class Roles:
    """Roles of the bench's account, as Terraform makes them, and their policies."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.iam: IAMClient = bench.session.client("iam")
        self.policy_name = f"secrets-pipeline-{bench.stack}"

    def name(self, key: str = "reader") -> str:
        return f"{self.bench.stack}-{key}"

    def arn(self, key: str = "reader", path: str = "") -> str:
        return f"arn:aws:iam::{self.bench.aws.account_id}:role/{path}{self.name(key)}"

    def make(self, key: str = "reader", path: str = "/") -> None:
        self.iam.create_role(RoleName=self.name(key), Path=path, AssumeRolePolicyDocument=TRUST)

    def policy(self, key: str = "reader") -> dict[str, Any] | None:
        try:
            found: Any = self.iam.get_role_policy(RoleName=self.name(key), PolicyName=self.policy_name)
        except ClientError:
            return None
        document: dict[str, Any] = found["PolicyDocument"]
        return document

    def put(self, document: dict[str, Any], key: str = "reader") -> None:
        text = json.dumps(document)
        self.iam.put_role_policy(RoleName=self.name(key), PolicyName=self.policy_name, PolicyDocument=text)

    def reads(self, key: str = "reader") -> list[str]:
        """Names of the secrets that a role may read, without the bench's prefix."""
        document = self.policy(key)
        found = document["Statement"][0]["Resource"] if document else []
        return [one.partition(f":secret:{self.bench.stack}/")[2].removesuffix("-??????") for one in found]


@pytest.fixture
def roles(bench: Bench) -> Roles:
    return Roles(bench)


def consumer(roles: Roles, *keys: str, **more: object) -> ConsumerSpec:
    given = {
        "name": "orders",
        "type": ReaderType.APP,
        "principals": {"role": roles.arn()},
        "attach_policies": True,
        **more,
    }
    return ConsumerSpec(component="secrets", secrets=tuple(roles.bench.ref(key) for key in keys), **given)


def spec_of(roles: Roles, *consumers: ConsumerSpec, keys: tuple[str, ...] = ("a", "b"), **more: object) -> StackSpec:
    return roles.bench.spec(*(roles.bench.declared(key) for key in keys), consumers=consumers, **more)


def only(changes: dict[str, Change]) -> Change:
    (change,) = changes.values()
    return change


def outcome(outcomes: dict[str, Outcome], roles: Roles, key: str = "reader") -> Outcome:
    return outcomes[f"{STAGE} {roles.name(key)}"]


def test_a_role_gets_what_its_consumers_read_and_the_next_run_leaves_it(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    spec = spec_of(roles, consumer(roles, "a"), consumer(roles, "b", name="worker"), keys=("a", "b", "c"))
    done = outcome(bench.provision(spec), roles)
    assert isinstance(done, Applied)
    assert (done.change.action, done.detail) == (ChangeClass.CREATE, "reads 2 secrets")
    assert roles.reads() == ["a", "b"]
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_key_of_the_stack_is_named_by_its_arn_with_the_secret_as_encryption_context(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    secret = bench.declared("a", kms_key=bench.late("${output.kms.key_arn}"))
    spec = bench.spec(secret, keys=(bench.key(),), consumers=(consumer(roles, "a"),))
    bench.provision(spec)
    document = roles.policy()
    assert document is not None
    (decrypt,) = document["Statement"][1:]
    assert decrypt["Resource"] == [bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["Arn"]]
    assert decrypt["Condition"]["StringLike"] == {
        "kms:EncryptionContext:SecretARN": document["Statement"][0]["Resource"]
    }
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_secret_more_or_less_is_an_update_that_names_it_and_no_drift(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    bench.provision(spec_of(roles, consumer(roles, "a")))
    changed = spec_of(roles, consumer(roles, "b"))
    change = only(bench.plan(changed, STAGE))
    assert (change.action, change.drift) == (ChangeClass.UPDATE, False)
    assert said(change) == (
        f"does not let it read {bench.name('b')}",
        f"lets it read {bench.name('a')}, which is not declared",
    )
    assert change.lets_read == ((roles.arn(), bench.name("b")),)
    assert isinstance(outcome(bench.provision(changed), roles), Applied)
    assert roles.reads() == ["b"]


def test_a_policy_that_somebody_changed_is_drift_and_put_right(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    spec = spec_of(roles, consumer(roles, "a"))
    bench.provision(spec)
    document = roles.policy()
    assert document is not None
    theirs = {"Sid": "Theirs", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    roles.put({**document, "Statement": [*document["Statement"], theirs]})
    change = only(bench.plan(spec, STAGE))
    assert (change.action, change.drift) == (ChangeClass.UPDATE, True)
    assert said(change) == ("changed outside: has the statement Theirs, which is not declared",)
    found = as_declared(bench.context(spec, writing=False), STAGE, deep=False)
    assert [one.verdict for one in found] == [Verdict.WRONG]
    bench.provision(spec)
    assert roles.policy() == document


def test_a_policy_that_somebody_took_away_is_made_again(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    spec = spec_of(roles, consumer(roles, "a"))
    bench.provision(spec)
    roles.iam.delete_role_policy(RoleName=roles.name(), PolicyName=roles.policy_name)
    assert only(bench.plan(spec, STAGE)).action is ChangeClass.CREATE
    bench.provision(spec)
    assert roles.reads() == ["a"]


def test_other_policies_of_the_role_stay(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    theirs = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    )
    roles.iam.put_role_policy(RoleName=roles.name(), PolicyName="theirs", PolicyDocument=theirs)
    spec = spec_of(roles, consumer(roles, "a"))
    bench.provision(spec)
    assert sorted(roles.iam.list_role_policies(RoleName=roles.name())["PolicyNames"]) == [roles.policy_name, "theirs"]


def test_nothing_is_attached_where_nobody_asked_and_iam_is_not_called(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    spec = spec_of(roles, consumer(roles, "a", attach_policies=False))
    bench.reset_calls()
    bench.provision(spec)
    assert not bench.calls("iam")
    assert roles.policy() is None


def test_a_role_of_another_account_is_not_touched(roles: Roles) -> None:
    bench = roles.bench
    foreign = consumer(roles, "a", principals={"role": f"arn:aws:iam::444455556666:role/{roles.name()}"})
    roles.make()
    spec = spec_of(roles, foreign)
    bench.reset_calls()
    assert bench.plan(spec, STAGE) == {}
    assert not bench.calls("iam")


def test_of_an_ecs_service_the_role_that_reads_gets_the_policy_and_the_other_none(roles: Roles) -> None:
    bench = roles.bench
    for key in ("exec", "task"):
        roles.make(key)
    both = {"execution_role": roles.arn("exec"), "task_role": roles.arn("task")}
    spec = spec_of(roles, consumer(roles, "a", type=ReaderType.ECS, principals=both, delivery="secrets"), keys=("a",))
    bench.provision(spec)
    assert (roles.reads("exec"), roles.policy("task")) == (["a"], None)


@pytest.mark.parametrize("deep", [False, True])
def test_a_plan_without_changes_costs_one_call_a_role(roles: Roles, *, deep: bool) -> None:
    bench = roles.bench
    for key in ("reader", "other"):
        roles.make(key)
    other = consumer(roles, "b", name="other", principals={"role": roles.arn("other")})
    spec = spec_of(roles, consumer(roles, "a"), other)
    bench.provision(spec)
    bench.reset_calls()
    plan_stack(bench.context(spec, writing=False), deep=deep)
    assert bench.calls("iam") == {"GetRolePolicy": 2}
    assert bench.calls("ssm")["GetParametersByPath"] == 2
    assert bench.calls()["GetSecretValue"] == 0


def test_a_role_that_does_not_exist_is_blocked_with_what_to_do(roles: Roles) -> None:
    bench = roles.bench
    spec = spec_of(roles, consumer(roles, "a"))
    change = only(bench.plan(spec, STAGE))
    assert change.action is ChangeClass.BLOCKED
    assert change.reason == f"role {roles.name()} does not exist: make it, for example with Terraform, then apply again"
    assert change.unblocked_by == "make it, for example with Terraform, then apply again"
    assert isinstance(outcome(bench.provision(spec), roles), Skipped)
    found = as_declared(bench.context(spec, writing=False), STAGE, deep=False)
    assert [one.verdict for one in found] == [Verdict.WAITING]
    roles.make()
    bench.provision(spec)
    assert roles.reads() == ["a"]


def test_a_role_of_that_name_under_another_path_is_not_the_one_that_is_meant(roles: Roles) -> None:
    bench = roles.bench
    roles.make(path="/other/")
    change = only(bench.plan(spec_of(roles, consumer(roles, "a")), STAGE))
    assert change.action is ChangeClass.BLOCKED
    assert change.hindrance == f"role {roles.name()} is {roles.arn(path='other/')}, and the stack names {roles.arn()}"
    assert roles.policy() is None
    right = spec_of(roles, consumer(roles, "a", principals={"role": roles.arn(path="other/")}))
    bench.provision(right)
    assert roles.reads() == ["a"]


def test_a_role_that_aws_owns_is_blocked(roles: Roles) -> None:
    bench = roles.bench
    aws = consumer(roles, "a", principals={"role": roles.arn(path="aws-service-role/x.amazonaws.com/")})
    change = only(bench.plan(spec_of(roles, aws), STAGE))
    assert change.action is ChangeClass.BLOCKED
    assert "belongs to AWS" in change.reason


def test_one_role_that_is_missing_does_not_hide_the_others(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    missing = consumer(roles, "b", name="other", principals={"role": roles.arn("missing")})
    outcomes = bench.provision(spec_of(roles, consumer(roles, "a"), missing))
    assert isinstance(outcome(outcomes, roles), Applied)
    assert isinstance(outcome(outcomes, roles, "missing"), Skipped)


def test_before_the_secrets_exist_it_is_planned_and_waits(roles: Roles) -> None:
    roles.make()
    change = only(roles.bench.plan(spec_of(roles, consumer(roles, "a")), STAGE))
    assert change.action is ChangeClass.CREATE
    assert change.reason == f"waits: secret {roles.bench.name('a')} does not exist yet"
    assert roles.policy() is None


def test_for_a_secret_that_the_run_restores_it_is_planned_and_waits(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    bench.provision(spec_of(roles))
    bench.secrets.delete_secret(SecretId=bench.name("a"))
    spec = spec_of(roles, consumer(roles, "a"))
    change = only(bench.plan(spec, STAGE))
    assert (change.action, change.waits) == (ChangeClass.CREATE, True)
    bench.provision(spec)
    assert roles.reads() == ["a"]
    # Deleted again, the policy that is there waits as well, and stays.
    bench.secrets.delete_secret(SecretId=bench.name("a"))
    change = only(bench.plan(spec, STAGE))
    assert (change.action, change.waits) == (ChangeClass.UPDATE, True)
    assert isinstance(outcome(bench.provision(spec), roles), Unchanged)


def test_where_the_run_makes_another_key_the_policy_is_planned_and_waits(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    bench.provision(spec_of(roles, consumer(roles, "a")))
    secret = bench.declared("a", kms_key=bench.late("${output.kms.key_arn}"))
    moved = bench.spec(secret, keys=(bench.key(),), consumers=(consumer(roles, "a"),))
    change = only(bench.plan(moved, STAGE))
    assert (change.action, change.waits) == (ChangeClass.UPDATE, True)
    assert isinstance(outcome(bench.provision(moved), roles), Applied)


def test_a_secret_of_somebody_else_is_not_opened_by_whoever_writes_the_yaml(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    bench.secrets.create_secret(Name=bench.name("a"), SecretString="theirs")
    spec = spec_of(roles, consumer(roles, "a"))
    outcomes = bench.provision(spec)
    skipped = outcome(outcomes, roles)
    assert isinstance(skipped, Skipped)
    assert skipped.change.action is ChangeClass.BLOCKED
    assert skipped.reason == f"secret {bench.name('a')} is not ours"
    assert roles.policy() is None
    both = spec_of(roles, consumer(roles, "a", "b"))
    done = outcome(bench.provision(both), roles)
    assert isinstance(done, Applied)
    assert done.detail == f"reads 1 secret; without: secret {bench.name('a')} is not ours"
    assert roles.reads() == ["b"]
    again = only(bench.plan(both, STAGE))
    assert (again.action, again.reason) == (ChangeClass.BLOCKED, f"secret {bench.name('a')} is not ours")


def test_a_secret_that_lost_its_tags_does_not_lock_its_readers_out(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    bench.provision(spec_of(roles, consumer(roles, "a", "b")))
    kept = roles.policy()
    ours = [name for name in bench.tags("a") if name.startswith(PREFIX)]
    bench.secrets.untag_resource(SecretId=bench.name("a"), TagKeys=ours)
    fewer = spec_of(roles, consumer(roles, "a"))
    change = only(bench.plan(fewer, STAGE))
    assert change.action is ChangeClass.BLOCKED
    assert change.hindrance == f"is left as it is: secret {bench.name('a')} is not ours"
    assert change.unblocked_by == "unblock that secret"
    assert isinstance(outcome(bench.provision(fewer), roles), Skipped)
    assert roles.policy() == kept


def test_what_left_the_stack_is_an_orphan_and_prune_takes_the_policy_away(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    bench.provision(spec_of(roles, consumer(roles, "a")))
    gone = spec_of(roles)
    change = only(bench.plan(gone, STAGE))
    assert (change.action, change.resource.name) == (ChangeClass.ORPHAN, roles.name())
    bench.provision(gone)
    assert roles.reads() == ["a"]
    kept = outcome(bench.provision(gone, options=ApplyOptions(prune=True), is_complete=False), roles)
    assert (kept.change.action, is_unmade(kept), roles.reads()) == (ChangeClass.BLOCKED, False, ["a"])
    pruned = outcome(bench.provision(gone, options=ApplyOptions(prune=True)), roles)
    assert isinstance(pruned, Applied)
    assert pruned.detail == f"{roles.policy_name} deleted"
    assert roles.policy() is None
    assert bench.plan(gone, STAGE) == {}


def test_a_role_that_is_gone_with_its_policy_is_pruned_all_the_same(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    bench.provision(spec_of(roles, consumer(roles, "a")))
    roles.iam.delete_role_policy(RoleName=roles.name(), PolicyName=roles.policy_name)
    roles.iam.delete_role(RoleName=roles.name())
    gone = spec_of(roles)
    pruned = outcome(bench.provision(gone, options=ApplyOptions(prune=True)), roles)
    assert isinstance(pruned, Applied)
    assert pruned.detail == "was gone already"
    assert bench.plan(gone, STAGE) == {}


def test_a_note_that_somebody_deleted_is_written_again(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    spec = spec_of(roles, consumer(roles, "a"))
    bench.provision(spec)
    path = f"/secrets-pipeline/{bench.stack}/consumer_policies"
    (note,) = bench.ssm.get_parameters_by_path(Path=path)["Parameters"]
    bench.ssm.delete_parameter(Name=note["Name"])
    assert said(only(bench.plan(spec, STAGE))) == ("is attached, and not noted yet",)
    bench.reset_calls()
    bench.provision(spec)
    assert bench.calls("iam")["PutRolePolicy"] == 0
    assert bench.ssm.get_parameters_by_path(Path=path)["Parameters"][0]["Value"] == roles.name()


def test_a_policy_that_is_too_long_is_an_error_before_iam_is_asked_and_before_the_secrets_exist(roles: Roles) -> None:
    bench = roles.bench
    keys = tuple(f"{'x' * 200}{number}" for number in range(50))
    spec = spec_of(roles, consumer(roles, *keys), keys=keys)
    bench.reset_calls()
    change = only(bench.plan(spec, STAGE))
    assert change.action is ChangeClass.BLOCKED
    assert change.error is not None
    assert change.error.message.startswith(f"consumer orders: the policy that lets role {roles.name()} read 50 secrets")
    assert not bench.calls("iam")
    assert isinstance(outcome(bench.provision(spec, STAGE), roles), Failed)


def test_a_role_whose_other_policies_leave_no_room_says_so(roles: Roles, interruption: Interruption) -> None:
    bench = roles.bench
    roles.make()
    spec = spec_of(roles, consumer(roles, "a"))
    bench.provision(spec, "secrets")
    context = bench.context(spec, interruption=interruption)
    interruption.before = full_at("PutRolePolicy")
    failed = bench.run(ConsumerPolicyReconciler(context))[roles.name()]
    assert isinstance(failed, Failed)
    assert failed.error.remedy.startswith("All inline policies of a role share 10240 characters")


def full_at(operation: str) -> Callable[[str], None]:
    """What IAM answers where a role has no room left."""

    def refuse(called: str) -> None:
        if called == operation:
            answer = {"Error": {"Code": "LimitExceeded", "Message": "Maximum policy size of 10240 bytes exceeded"}}
            raise ClientError(answer, operation)  # type: ignore[arg-type] # the rest of it is never read

    return refuse


def test_a_read_only_run_refuses_to_attach(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    spec = spec_of(roles, consumer(roles, "a"))
    bench.provision(spec, "secrets")
    context = bench.context(spec)
    reconciler = ConsumerPolicyReconciler(read_only(bench, context))
    failed = bench.run(reconciler)[roles.name()]
    assert isinstance(failed, Failed)
    assert "this run is read-only" in failed.error.message
    assert roles.policy() is None


def read_only(bench: Bench, context: Stack) -> Stack:
    """The same stack under sessions that refuse writes; the fingerprint key is there already."""
    sessions = Sessions(bench.session, read_only=True)
    return Assembly(context.ownership.repository, sessions, Run(OperatorSettings())).stack(context.spec.stack)


@pytest.mark.parametrize("boundary", range(8))
def test_a_run_that_is_killed_at_any_call_is_finished_by_the_next_one(
    roles: Roles, interruption: Interruption, killed: type[BaseException], boundary: int
) -> None:
    bench = roles.bench
    roles.make()
    spec = spec_of(roles, consumer(roles, "a"))
    bench.provision(spec, "secrets")
    context = bench.context(spec, interruption=interruption)
    reconciler = ConsumerPolicyReconciler(context)
    changes = reconciler.plan()
    interruption.kill_at(boundary)
    struck = False
    try:
        bench.run(reconciler, changes)
    except killed:
        struck = True
    # GetRole, PutParameter, PutRolePolicy, each before and after; no further call is made.
    assert struck is (boundary < 6)
    noted = bool(only(bench.plan(spec_of(roles), STAGE))) if roles.policy() else True
    assert noted
    bench.provision(spec)
    assert roles.reads() == ["a"]
    bench.provision(spec_of(roles), options=ApplyOptions(prune=True))
    assert roles.policy() is None


def test_a_role_that_is_not_visible_everywhere_yet_is_waited_for(
    roles: Roles, interruption: Interruption, bench: Bench
) -> None:
    roles.make()
    spec = spec_of(roles, consumer(roles, "a"))
    bench.provision(spec, "secrets")
    attempts = vanishing(roles, times=2)
    interruption.attempt = lambda operation: next(attempts, None) if operation == "PutRolePolicy" else None
    assert isinstance(outcome(bench.provision(spec, STAGE, interruption=interruption), roles), Applied)
    assert roles.reads() == ["a"]


def vanishing(roles: Roles, *, times: int) -> Iterator[None]:
    """The role is away at the first call, and back before the last one."""
    roles.iam.delete_role(RoleName=roles.name())
    for _ in range(times - 1):
        yield
    roles.make()
    yield


def test_a_consumer_that_reads_nothing_any_more_is_an_orphan_as_one_that_left(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    bench.provision(spec_of(roles, consumer(roles, "a")))
    nothing = spec_of(roles, consumer(roles))
    change = only(bench.plan(nothing, STAGE))
    assert (change.action, change.resource.name) == (ChangeClass.ORPHAN, roles.name())
    bench.provision(nothing, options=ApplyOptions(prune=True))
    assert roles.policy() is None
    assert bench.plan(nothing, STAGE) == {}


def test_a_change_for_a_role_of_that_name_under_another_path_is_blocked_in_the_plan_as_in_the_run(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    bench.provision(spec_of(roles, consumer(roles, "a")))
    moved = spec_of(roles, consumer(roles, "a", "b", principals={"role": roles.arn(path="jobs/")}))
    change = only(bench.plan(moved, STAGE))
    assert change.action is ChangeClass.BLOCKED
    meant = roles.arn(path="jobs/")
    assert change.hindrance == f"role {roles.name()} is {roles.arn()}, and the stack names {meant}"
    done = bench.provision(moved)[f"{STAGE} jobs/{roles.name()}"]
    assert isinstance(done, Skipped)
    assert roles.reads() == ["a"]


def test_a_role_that_the_pipeline_made_is_refused_by_its_tags_whatever_it_is_called(roles: Roles) -> None:
    bench = roles.bench
    roles.make()
    roles.iam.tag_role(RoleName=roles.name(), Tags=[{"Key": STACK, "Value": "of-another-repository"}])
    spec = spec_of(roles, consumer(roles, "a"), keys=("a",))
    refused = outcome(bench.provision(spec), roles)
    assert isinstance(refused, Skipped)
    assert refused.reason == f"role {roles.name()} is one of the pipeline's own, by its tags: let another role read"
    assert roles.policy() is None
