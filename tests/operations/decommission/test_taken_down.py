"""A whole stack is taken down: all that it made, in windows, and nothing else; the next run ends a killed one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.desired.consumer.model import ConsumerSpec, ReaderType
from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Outcome, Skipped, Unchanged
from secrets_pipeline.operations.decommission.places import Place
from secrets_pipeline.operations.decommission.retire import retired_spec, taken_down
from secrets_pipeline.operations.open_repository import MANIFESTS, OpenRepository
from secrets_pipeline.operations.stages import STAGES, plan_stack
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.tag_keys import STACK
from tests.bench import ASSUMED_BY_LAMBDA
from tests.sweep import turn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.bench import Bench, Interruption

PRUNE = ApplyOptions(prune=True)
OURS = "github.com/acme/infra"
RANDOM = RotationSpec(managed=True, strategy=RotationStrategy.RANDOM, automatically_after_days=30)


class Estate:
    """All that one stack makes, but databases, and what AWS holds of it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.role = f"{bench.stack}-reader"
        self.function = f"{bench.stack}-rotation"
        self.iam: Any = bench.session.client("iam")
        self.lambdas: Any = bench.session.client("lambda")
        self.logs: Any = bench.session.client("logs")

    @property
    def spec(self) -> StackSpec:
        """A key, two secrets, one of which rotates by the managed function, and a role that reads."""
        arn = f"arn:aws:iam::{self.bench.aws.account_id}:role/{self.role}"
        reader = ConsumerSpec(
            component="secrets",
            name="orders",
            type=ReaderType.APP,
            principals={"role": arn},
            attach_policies=True,
            secrets=(self.bench.ref("api"),),
        )
        under: Any = self.bench.late("${output.kms.key_arn}")
        return self.bench.spec(
            self.bench.declared(kms_key=under),
            self.bench.generated("turned", kms_key=under, rotation=RANDOM),
            keys=(self.bench.key(),),
            consumers=(reader,),
            rotation_function=RotationFunctionSpec(name=self.function),
        )

    def build(self) -> StackSpec:
        self.iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA)
        spec = self.spec
        outcomes = self.bench.provision(spec, repository=OURS)
        assert {type(one) for one in outcomes.values()} <= {Applied, Unchanged}
        return spec

    def destroy(self, spec: StackSpec, **how: Any) -> Mapping[str, Outcome]:  # noqa: ANN401 - see `Bench.context`
        return self.bench.provision(taken_down(spec), options=PRUNE, repository=OURS, **how)

    def left(self) -> set[str]:
        """What is there, by a word each."""
        bench, iam, name = self.bench, self.iam, self.function
        found = {
            "policy": lambda: iam.get_role_policy(RoleName=self.role, PolicyName=f"secrets-pipeline-{bench.stack}"),
            "function": lambda: self.lambdas.get_function(FunctionName=name),
            "function role": lambda: iam.get_role(RoleName=name),
        }
        there = {what for what, read in found.items() if _exists(read)}
        groups = self.logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
        parameters = bench.ssm.get_parameters_by_path(Path=f"/secrets-pipeline/{bench.stack}/", Recursive=True)
        there |= {"log group"} if groups else set()
        there |= {"parameters"} if parameters["Parameters"] else set()
        secrets = [bench.describe(key) for key in ("api", "turned")]
        return there | {f"secret {one['Name']}" for one in secrets if "DeletedDate" not in one}


def _exists(read: Any) -> bool:  # noqa: ANN401 - a call of boto3
    try:
        read()
    except ClientError:
        return False
    return True


@pytest.fixture
def estate(bench: Bench) -> Estate:
    return Estate(bench)


@pytest.mark.needs("logs:DeleteLogGroup")
def test_everything_that_a_stack_made_goes_and_an_apply_within_the_window_brings_the_values_back(
    bench: Bench, estate: Estate
) -> None:
    spec = estate.build()
    value = bench.value("turned")
    planned = plan_stack(bench.context(taken_down(spec), options=PRUNE, repository=OURS, writing=False))
    goes = {change.resource.kind for changes in planned.values() for change in changes}
    assert goes == {"secret", "kms-key", "rotation-function", "consumer-policy", "outputs"}
    outcomes = estate.destroy(spec)
    assert estate.left() == set()
    # The role is not ours.
    assert _exists(lambda: estate.iam.get_role(RoleName=estate.role))
    skipped = {name: one for name, one in outcomes.items() if isinstance(one, Skipped)}
    # Its secrets can still be restored, so the key waits.
    assert list(skipped) == [f"secrets {bench.alias}"]
    assert "is encrypted under it" in skipped[f"secrets {bench.alias}"].reason
    assert list(estate.destroy(spec)) == list(skipped)
    again = bench.provision(spec, repository=OURS)
    assert {type(one) for one in again.values()} <= {Applied, Unchanged}
    assert bench.value("turned") == value
    assert estate.left() >= {"policy", "function", "function role", "log group", "parameters"}


def test_a_run_that_is_killed_anywhere_is_ended_by_the_next_one(
    bench: Bench, interruption: Interruption, killed: type[BaseException], estate: Estate
) -> None:
    spec = estate.build()
    passed: list[str] = []
    interruption.before = interruption.after = passed.append
    estate.destroy(spec, interruption=interruption)
    boundaries = range(len(passed))
    writes = [at for at in boundaries if passed[at].startswith(("Delete", "Schedule", "Tag", "Untag"))]
    assert len(writes) > 20
    for boundary in turn(writes):
        own = Estate(bench.another())
        there = own.build()
        interruption.kill_at(boundary)
        with pytest.raises(killed):
            own.destroy(there, interruption=interruption)
        own.destroy(there)
        assert own.left() == set(), f"killed at boundary {boundary}"


def test_what_bears_the_name_of_a_stack_and_is_not_provably_of_this_repository_stays(
    bench: Bench, estate: Estate
) -> None:
    spec = estate.build()
    before = estate.left()
    gone = taken_down(spec)
    theirs = bench.provision(gone, options=PRUNE, repository="github.com/acme/fork")
    assert not any(isinstance(one, Applied) for one in theirs.values())
    assert estate.left() == before
    # Without the note nothing says whose the parameters, and the policies that they name, are.
    note = f"/secrets-pipeline/{bench.stack}/repository"
    bench.ssm.delete_parameter(Name=note)
    bench.secrets.tag_resource(SecretId=bench.name("api"), Tags=[{"Key": STACK, "Value": "another"}])
    estate.destroy(spec)
    assert estate.left() == before - {f"secret {bench.name('turned')}"}
    folder = ApplyOptions(prune=True, adopt=(f"/secrets-pipeline/{bench.stack}",))
    arn = f"arn:aws:logs:{bench.aws.region}:{bench.aws.account_id}:log-group:/aws/lambda/{estate.function}"
    estate.logs.untag_resource(resourceArn=arn, tagKeys=[STACK])
    outcome = bench.provision(gone, options=folder, repository=OURS)[f"rotation_functions {estate.function}"]
    assert isinstance(outcome, Applied)
    assert outcome.detail == "function deleted, role deleted; its log group is not ours and stays"
    assert estate.left() == {f"secret {bench.name('api')}", "log group"}


def test_nothing_is_made_for_a_stack_of_which_nothing_is_declared(bench: Bench) -> None:
    bench.reset_calls()
    assert bench.provision(bench.spec(retired=True), options=PRUNE, repository=OURS) == {}
    written = [*bench.calls("kms"), *bench.calls("ssm"), *bench.calls("secretsmanager")]
    assert not [name for name in written if not name.startswith(("List", "Get", "Describe", "GenerateMac"))]


def test_of_a_stack_that_left_nothing_is_deleted_at_once_whatever_it_declared_once(bench: Bench) -> None:
    spec = bench.create(bench.declared(recovery_window_in_days=0))
    (gone,) = bench.plan(taken_down(spec), options=PRUNE).values()
    assert "at once and for ever" in gone.reason
    account = bench.context(spec, writing=False).account
    settings = OperatorSettings(targets=(TargetRule(stacks="t*", account_id=account.account_id),))
    repository = OpenRepository(None, MANIFESTS, Path(), settings, {}, {})  # type: ignore[arg-type] # nothing reads its stacks
    left = retired_spec(repository, spec.stack, Place(spec.target, account))
    assert left.target == spec.target
    (gone,) = bench.plan(left, options=PRUNE).values()
    assert gone.reason == "is not in the stack any more: it is deleted, to be restored for 30 days"
    bench.provision(left, options=PRUNE)
    assert "DeletedDate" in bench.describe("api")


def test_a_function_that_another_stack_declares_is_kept(bench: Bench) -> None:
    named = RotationFunctionSpec(name=f"{bench.stack}-rotation")
    gone, other = bench.spec(retired=True), bench.another().spec(rotation_function=named)
    folder = f"/secrets-pipeline/{bench.stack}"
    for name, text in {"rotation_function": named.name, "repository": OURS}.items():
        bench.ssm.put_parameter(Name=f"{folder}/{name}", Value=text, Type="String")
    context = bench.context(gone, other, options=PRUNE, repository=OURS, writing=False)
    (kept,) = STAGES["rotation_functions"](context).plan()
    assert (kept.resource.name, kept.keeps) == (named.name, True)
    assert kept.reason.startswith(f"is kept: stack {other.stack} declares it")
