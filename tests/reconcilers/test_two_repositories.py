"""Two repositories with a stack of one name, in one account: neither touches what the other's mark names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.consumer.model import ConsumerSpec, ReaderType
from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, ChangeClass, Skipped, Unchanged
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.tag_keys import REPOSITORY, SPEC, STACK
from secrets_pipeline.references.resolve import Pending
from tests.bench import ASSUMED_BY_LAMBDA, said

if TYPE_CHECKING:
    from tests.bench import Bench, Interruption

OURS, THEIRS = "github.com/acme/infra", "github.com/acme/other"
UNNAMED = "its mark does not name the repository yet"
RANDOM = RotationSpec(managed=True, strategy=RotationStrategy.RANDOM, automatically_after_days=30)


def stack_with_everything(bench: Bench) -> StackSpec:
    """A key, a secret under it that a managed function rotates, and a role that reads it."""
    reader = ConsumerSpec(
        component="secrets",
        name="orders",
        type=ReaderType.APP,
        principals={"role": f"arn:aws:iam::{bench.aws.account_id}:role/{bench.stack}-reader"},
        attach_policies=True,
        secrets=(bench.ref("password"),),
    )
    key = bench.key()
    secret = bench.generated(kms_key=bench.late("${output.kms.key_arn}"), rotation=RANDOM)
    function = RotationFunctionSpec(name=f"{bench.stack}-rotation")
    return bench.spec(secret, keys=(key,), rotation_function=function, consumers=(reader,))


def make_reader(bench: Bench) -> None:
    bench.session.client("iam").create_role(
        RoleName=f"{bench.stack}-reader", AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA
    )


def held(bench: Bench) -> dict[str, Any]:
    """Everything of the stack that another repository could have written to."""
    client, iam = bench.session.client("lambda"), bench.session.client("iam")
    key = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyId"]
    function, role = f"{bench.stack}-rotation", f"{bench.stack}-reader"
    about = bench.describe("password")
    parameters = bench.ssm.get_parameters_by_path(Path=f"/secrets-pipeline/{bench.stack}", Recursive=True)
    return {
        "secret": {name: about[name] for name in ("Tags", "VersionIdsToStages", "RotationRules", "RotationEnabled")},
        "key": [bench.kms.list_resource_tags(KeyId=key)["Tags"], bench.kms.get_key_policy(KeyId=key)["Policy"]],
        "function": client.get_function(FunctionName=function)["Tags"],
        "role": [
            iam.get_role(RoleName=function)["Role"]["Tags"],
            iam.get_role_policy(RoleName=role, PolicyName=f"secrets-pipeline-{bench.stack}")["PolicyDocument"],
        ],
        "parameters": {one["Name"]: one["Value"] for one in parameters["Parameters"]},
    }


def test_all_that_is_made_names_the_repository_and_the_next_run_has_nothing_to_do(bench: Bench) -> None:
    make_reader(bench)
    spec = stack_with_everything(bench)
    assert {type(one) for one in bench.provision(spec, repository=OURS).values()} <= {Applied, Unchanged}
    found = held(bench)
    tags = [
        bench.tags("password"),
        {one["TagKey"]: one["TagValue"] for one in found["key"][0]},
        found["function"],
        {one["Key"]: one["Value"] for one in found["role"][0]},
    ]
    assert [one[REPOSITORY] for one in tags] == [OURS] * 4
    assert found["parameters"][f"/secrets-pipeline/{bench.stack}/repository"] == OURS
    bench.reset_calls()
    assert {type(one) for one in bench.provision(spec, repository=OURS).values()} == {Unchanged}
    assert bench.calls("ssm")["PutParameter"] == 0


def test_a_second_repository_with_that_stack_changes_prunes_and_reads_nothing_of_the_first(bench: Bench) -> None:
    make_reader(bench)
    spec = stack_with_everything(bench)
    bench.provision(spec, repository=OURS)
    before = held(bench)
    for wanted in (spec, bench.spec()):
        for repository in (THEIRS, ""):
            bench.reset_calls()
            outcomes = bench.provision(wanted, repository=repository, options=ApplyOptions(prune=True))
            assert not [one for one in outcomes.values() if isinstance(one, Applied)]
            assert bench.calls()["GetSecretValue"] == 0
            assert held(bench) == before
    assert {type(one) for one in bench.provision(spec, repository=OURS).values()} == {Unchanged}


def test_the_plan_says_whose_each_thing_is_and_how_it_is_taken_over(bench: Bench) -> None:
    make_reader(bench)
    spec = stack_with_everything(bench)
    bench.provision(spec, repository=OURS)
    whose = f"belongs to stack {bench.stack} of repository {OURS}"
    stages = {
        "secrets": bench.name("password"),
        "kms_keys": bench.alias,
        "rotation_functions": f"function:{bench.stack}-rotation",
        "consumer_policies": f"/secrets-pipeline/{bench.stack}",
        "consumer_arns": f"/secrets-pipeline/{bench.stack}",
    }
    for stage, name in stages.items():
        (change,) = bench.plan(spec, stage, repository=THEIRS).values()
        assert change.action is ChangeClass.BLOCKED, stage
        assert change.reason.startswith(whose), stage
        assert f"`apply -s {bench.stack} --adopt {name}`" in change.reason, stage
        (nameless,) = bench.plan(spec, stage).values()
        assert nameless.action is ChangeClass.BLOCKED, stage
        assert "--adopt" not in nameless.reason, stage


def test_another_repositorys_secret_resolves_to_nothing_even_for_a_reference_to_its_stack(bench: Bench) -> None:
    spec = bench.spec(bench.generated())
    bench.provision(spec, repository=OURS)
    outputs = bench.context(spec, repository=THEIRS, writing=False).resolve
    for path in ("secret_arns.password", "generated_passwords.password", "secret_values.password"):
        found = outputs.output(bench.late(f"${{output.secrets.{path}}}"))
        name = bench.name("password")
        assert found == Pending(f"secret {name} is not ours", on=f"value of secret {name}")


def test_what_is_adopted_by_name_from_another_repository_is_wholly_the_new_ones(bench: Bench) -> None:
    make_reader(bench)
    spec = stack_with_everything(bench)
    bench.provision(spec, repository=OURS)
    value = bench.value("password")
    function = f"rotation_functions {bench.stack}-rotation"
    names = (bench.name("password"), bench.alias, f"/secrets-pipeline/{bench.stack}")
    most = bench.provision(spec, repository=THEIRS, options=ApplyOptions(adopt=(*names, f"{bench.stack}-rotation")))
    assert isinstance(most[function], Skipped)
    options = ApplyOptions(adopt=(*names, f"function:{bench.stack}-rotation"))
    outcomes = bench.provision(spec, repository=THEIRS, options=options)
    assert isinstance(outcomes[function], Applied)
    assert not [one for one in outcomes.values() if isinstance(one, Skipped)]
    assert bench.value("password") == value
    assert {type(one) for one in bench.provision(spec, repository=THEIRS).values()} == {Unchanged}
    assert isinstance(bench.provision(spec, repository=OURS)[f"secrets {bench.name('password')}"], Skipped)


@pytest.mark.parametrize("prunes", [False, True])
def test_a_glob_adopts_nothing_that_names_another_repository(bench: Bench, prunes: bool) -> None:
    make_reader(bench)
    spec = stack_with_everything(bench)
    bench.provision(spec, repository=OURS)
    before = held(bench)
    everything = ApplyOptions(adopt=("*", "function:*"), prune=prunes)
    # With `prunes` as `destroy` does it: nobody declares the stack any more.
    outcomes = bench.provision(bench.spec(retired=True) if prunes else spec, repository=THEIRS, options=everything)
    policies = bench.session.client("iam").list_role_policies(RoleName=f"{bench.stack}-reader")["PolicyNames"]
    assert policies == [f"secrets-pipeline-{bench.stack}"]
    assert held(bench) == before
    assert not [one for one in outcomes.values() if isinstance(one, Applied)]


def test_a_readers_policy_waits_for_a_secret_that_is_adopted_and_not_for_one_that_a_glob_leaves(bench: Bench) -> None:
    make_reader(bench)
    bench.provision(bench.spec(bench.generated()), "secrets", repository=OURS)
    actions = {ChangeClass.BLOCKED: ("*",), ChangeClass.CREATE: (bench.name("password"),)}
    for action, adopt in actions.items():
        options, spec = ApplyOptions(adopt=adopt), stack_with_everything(bench)
        (change,) = bench.plan(spec, "consumer_policies", repository=THEIRS, options=options).values()
        assert change.action is action


def test_only_what_is_named_is_adopted(bench: Bench) -> None:
    spec = bench.spec(bench.declared("a"), bench.declared("b"), bench.declared("ab"))
    for key in ("a", "b", "ab"):
        bench.secrets.create_secret(Name=bench.name(key), SecretString="made by hand")
    for glob, taken in ((bench.name("a"), {"a"}), (bench.name("a*"), {"a", "ab"}), ("*", {"a", "b", "ab"})):
        plan = bench.plan(spec, repository=THEIRS, options=ApplyOptions(adopt=(glob,)))
        found = {one.resource.key for one in plan.values() if one.action is ChangeClass.ADOPT}
        assert found == taken


def test_an_older_mark_counts_as_ours_and_is_written_anew_with_the_repository_once(bench: Bench) -> None:
    make_reader(bench)
    spec = stack_with_everything(bench)
    bench.provision(spec)
    assert REPOSITORY not in bench.tags("password")
    version = bench.current("password")
    for stage in ("secrets", "kms_keys", "rotation_functions"):
        (change,) = bench.plan(spec, stage, repository=OURS).values()
        assert (change.action, said(change)) == (ChangeClass.UPDATE, (UNNAMED,)), stage
        assert not change.drift
    outcomes = bench.provision(spec, repository=OURS)
    assert not [one for one in outcomes.values() if not isinstance(one, Applied | Unchanged)]
    assert (bench.tags("password")[REPOSITORY], bench.current("password")) == (OURS, version)
    assert {type(one) for one in bench.provision(spec, repository=OURS).values()} == {Unchanged}
    assert isinstance(bench.provision(spec)[f"secrets {bench.name('password')}"], Skipped)


def test_wherever_a_run_is_killed_that_names_the_repository_the_next_one_finishes(
    bench: Bench,
    interruption: Interruption,
    killed: type[BaseException],
) -> None:
    for operation in ("TagResource", "PutKeyPolicy"):
        for edge in (interruption.kill_before, interruption.kill_after):
            own = bench.another()
            own.create(own.generated(kms_key=own.late("${output.kms.key_arn}")), keys=(own.key(),))
            edited = own.spec(
                own.generated(kms_key=own.late("${output.kms.key_arn}")),
                keys=(
                    own.key(
                        policy=(
                            {
                                "Effect": "Deny",
                                "Principal": "*",
                                "Action": "kms:Encrypt",
                                "Resource": "*",
                                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                            },
                        )
                    ),
                ),
            )
            interruption.before = interruption.after = lambda _operation: None
            edge(operation)
            with pytest.raises(killed):
                own.provision(edited, repository=OURS, interruption=interruption)
            outcomes = own.provision(edited, repository=OURS)
            assert not [one for one in outcomes.values() if not isinstance(one, Applied | Unchanged)]
            assert own.tags("password")[REPOSITORY] == OURS


@pytest.mark.parametrize("said", [None, THEIRS, ""])
def test_a_repository_tag_that_somebody_changes_or_takes_away_proves_nothing(bench: Bench, said: str | None) -> None:
    spec = bench.spec(bench.declared())
    bench.provision(spec, repository=OURS)
    name = bench.name("api")
    if said is None:
        bench.secrets.untag_resource(SecretId=name, TagKeys=[REPOSITORY])
    else:
        bench.secrets.tag_resource(SecretId=name, Tags=[{"Key": REPOSITORY, "Value": said}])
    for repository in (OURS, THEIRS, ""):
        change = bench.plan(spec, repository=repository, options=ApplyOptions(adopt=("*",)))[name]
        assert change.action is ChangeClass.BLOCKED


@pytest.mark.parametrize("marked_by", ["", OURS])
def test_a_renamed_stack_takes_its_secrets_along_by_adoption(bench: Bench, marked_by: str) -> None:
    spec = bench.spec(bench.generated())
    bench.provision(spec, repository=marked_by)
    value, name = bench.value("password"), bench.name("password")
    renamed = spec.model_copy(update={"stack": f"{bench.stack}-renamed"})
    asked = bench.plan(renamed, repository=OURS)[name]
    assert asked.action is ChangeClass.BLOCKED
    assert f"--adopt {name}` takes it over, value and all" in asked.reason
    bench.provision(renamed, repository=OURS, options=ApplyOptions(adopt=(name,)))
    assert (bench.value("password"), bench.tags("password")[STACK]) == (value, renamed.stack)
    assert {type(one) for one in bench.provision(renamed, repository=OURS).values()} == {Unchanged}


def test_an_orphan_whose_mark_names_no_repository_is_pruned_by_a_named_one_only_by_name(bench: Bench) -> None:
    bench.create(bench.declared())
    name = bench.name("api")
    orphan = bench.provision(bench.spec(), "secrets", repository=OURS, options=ApplyOptions(prune=True))
    outcome = orphan[f"secrets {name}"]
    assert isinstance(outcome, Skipped)
    assert f"`apply --prune --adopt {name}` deletes it" in outcome.reason
    assert "DeletedDate" not in bench.describe("api")
    bench.provision(bench.spec(), "secrets", repository=OURS, options=ApplyOptions(prune=True, adopt=(name,)))
    assert "DeletedDate" in bench.describe("api")


def test_the_mark_of_a_function_of_another_repository_is_not_pruned_on_the_word_of_a_note(bench: Bench) -> None:
    spec = stack_with_everything(bench)
    make_reader(bench)
    bench.provision(spec)
    left = bench.spec(bench.generated(kms_key=bench.late("${output.kms.key_arn}")), keys=(bench.key(),))
    outcomes = bench.provision(left, repository=OURS, options=ApplyOptions(prune=True))
    outcomes = bench.provision(left, repository=OURS, options=ApplyOptions(prune=True))
    outcome = outcomes[f"rotation_functions {bench.stack}-rotation"]
    assert isinstance(outcome, Skipped)
    assert outcome.reason == "its mark names no repository"
    named = ApplyOptions(prune=True, adopt=(f"{bench.stack}-rotation", "*"))
    outcomes = bench.provision(left, repository=OURS, options=named)
    assert isinstance(outcomes[f"rotation_functions {bench.stack}-rotation"], Skipped)
    named = ApplyOptions(prune=True, adopt=(f"function:{bench.stack}-rotation",))
    outcomes = bench.provision(left, repository=OURS, options=named)
    assert isinstance(outcomes[f"rotation_functions {bench.stack}-rotation"], Applied)


def test_a_mark_is_over_the_repository_too(bench: Bench) -> None:
    spec = bench.spec(bench.declared())
    bench.provision(spec, repository=OURS)
    mine = bench.tags("api")[SPEC]
    bench.provision(spec, repository=THEIRS, options=ApplyOptions(adopt=(bench.name("api"),)))
    assert bench.tags("api")[SPEC].rpartition(".")[2] != mine.rpartition(".")[2]
    assert json.dumps(bench.tags("api")).count(THEIRS) == 1
