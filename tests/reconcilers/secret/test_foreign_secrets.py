"""Secrets are never taken from anybody, and deleted only when that is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.secret.model import ReplicaSpec
from secrets_pipeline.engine.model import Applied, ChangeClass, Failed, Skipped, Unchanged
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.marks.secret_mark import MarkState
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords
from secrets_pipeline.reconcilers.tag_keys import COMPONENT, KEY, PREFIX, SPEC, STACK, VALUE_VERSION
from tests.applying import apply_stack
from tests.statements import TLS_ONLY

if TYPE_CHECKING:
    from tests.bench import Bench, Interruption


@pytest.mark.parametrize("options", [ApplyOptions(), ApplyOptions(prune=True)])
def test_somebody_elses_secret_is_blocked_and_untouched(bench: Bench, options: ApplyOptions) -> None:
    bench.secrets.create_secret(Name=bench.name("api"), SecretString="theirs")
    outcome = bench.provision(bench.spec(bench.declared()), options=options)[f"secrets {bench.name('api')}"]
    assert isinstance(outcome, Skipped)
    assert f"`apply -s {bench.stack} --adopt {bench.name('api')}`" in outcome.reason
    assert (bench.value("api"), bench.versions("api")) == ("theirs", 1)
    assert "Tags" not in bench.describe("api") or bench.tags("api") == {}


def test_a_secret_that_somebody_takes_over_between_two_changes_keeps_the_rest(
    bench: Bench, interruption: Interruption
) -> None:
    key = bench.kms.create_key()["KeyMetadata"]["Arn"]
    bench.create(bench.declared())
    edited = bench.spec(bench.declared(description="edited", kms_key=key))
    ours = [name for name in bench.tags("api") if name.startswith(PREFIX)]

    def take_over(operation: str) -> None:
        if operation == "UpdateSecret":
            bench.secrets.untag_resource(SecretId=bench.name("api"), TagKeys=ours)

    interruption.after = take_over
    bench.reset_calls()
    outcome = bench.provision(edited, "secrets", interruption=interruption)[f"secrets {bench.name('api')}"]
    assert isinstance(outcome, Skipped)
    assert outcome.reason == f"secret {bench.name('api')} is not ours any more"
    assert (bench.calls()["UpdateSecret"], bench.calls()["GetSecretValue"]) == (1, 0)
    assert "KmsKeyId" not in bench.describe("api")


def test_a_secret_that_somebody_takes_over_once_it_is_restored_is_left_alone(
    bench: Bench, interruption: Interruption
) -> None:
    bench.create(bench.declared())
    ours = [name for name in bench.tags("api") if name.startswith(PREFIX)]
    bench.secrets.delete_secret(SecretId=bench.name("api"), RecoveryWindowInDays=7)

    def take_over(operation: str) -> None:
        if operation == "RestoreSecret":
            bench.secrets.untag_resource(SecretId=bench.name("api"), TagKeys=ours)

    interruption.after = take_over
    edited = bench.spec(bench.declared(description="edited"))
    outcome = bench.provision(edited, "secrets", interruption=interruption)[f"secrets {bench.name('api')}"]
    assert isinstance(outcome, Skipped)
    assert f"`apply -s {bench.stack} --adopt {bench.name('api')}`" in outcome.reason
    assert ("Description" in bench.describe("api"), bench.describe("api").get("Tags", [])) == (False, [])


def test_adoption_marks_the_secret_and_keeps_its_value_and_version(bench: Bench) -> None:
    bench.secrets.create_secret(
        Name=bench.name("password"), SecretString="theirs", Description="old", Tags=[{"Key": "Old", "Value": "1"}]
    )
    version = bench.current("password")
    spec = bench.spec(bench.generated(description="ours"))
    change = bench.plan(spec, options=ApplyOptions(adopt=("*",)))[bench.name("password")]
    assert change.action is ChangeClass.ADOPT
    bench.provision(spec, options=ApplyOptions(adopt=("*",)))
    assert (bench.value("password"), bench.current("password"), bench.versions("password")) == ("theirs", version, 1)
    assert bench.describe("password")["Description"] == "ours"
    assert bench.tags("password")["Old"] == "1"
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_an_adopted_secret_is_not_believed_to_hold_a_value_of_ours(bench: Bench) -> None:
    bench.create(bench.generated())
    noted, version = bench.tags("password")[VALUE_VERSION], bench.current("password")
    bench.secrets.delete_secret(SecretId=bench.name("password"), ForceDeleteWithoutRecovery=True)
    bench.secrets.create_secret(
        Name=bench.name("password"),
        SecretString="theirs",
        ClientRequestToken=version,
        Tags=[{"Key": VALUE_VERSION, "Value": noted}],
    )
    bench.provision(bench.spec(bench.generated()), options=ApplyOptions(adopt=("*",)))
    assert (bench.value("password"), bench.current("password")) == ("theirs", version)
    assert bench.tags("password")[VALUE_VERSION] == ""


def test_a_forged_mark_is_blocked_even_where_adoption_is_asked(bench: Bench) -> None:
    spec = bench.create(bench.declared(), bench.declared("other"))
    tags = bench.tags("other")
    bench.secrets.tag_resource(SecretId=bench.name("api"), Tags=[{"Key": SPEC, "Value": tags[SPEC]}])
    outcome = bench.provision(spec, options=ApplyOptions(adopt=("*",)))[f"secrets {bench.name('api')}"]
    assert isinstance(outcome, Skipped)
    assert "does not verify" in outcome.reason
    assert bench.tags("api")[SPEC] == tags[SPEC]


def test_a_secret_of_another_stack_is_blocked_for_every_stage(bench: Bench) -> None:
    secret = bench.generated(fields={"engine": "postgres"})
    theirs = bench.create(secret)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
        "Action": "*",
        "Resource": "*",
    }
    wanted = secret.model_copy(
        update={"value": secret.value.model_copy(update={"fields": {"engine": "mysql"}}), "policy": (statement,)}
    )
    before = bench.describe("password")
    ours = theirs.model_copy(update={"stack": f"{bench.stack}-other", "secrets": (wanted,)})
    context = bench.context(ours, theirs, options=ApplyOptions(adopt=("*",), prune=True))
    done = apply_stack(context)
    outcomes = {f"{stage} {one.change.resource.name}": one for stage, some in done.items() for one in some}
    blocked = outcomes[f"secrets {secret.name}"]
    assert isinstance(blocked, Skipped)
    assert f"belongs to stack {bench.stack}, component secrets, key password" in blocked.reason
    assert not [one for name, one in outcomes.items() if secret.name in name and isinstance(one, Applied | Failed)]
    after = bench.describe("password")
    assert {**after, "ResponseMetadata": None, "LastAccessedDate": None} == {
        **before,
        "ResponseMetadata": None,
        "LastAccessedDate": None,
    }
    assert "ResourcePolicy" not in bench.secrets.get_resource_policy(SecretId=secret.name)


@pytest.mark.parametrize("declared", [True, False])
def test_a_secret_moves_to_another_stack_by_adoption_once_its_own_does_not_declare_it(
    bench: Bench, declared: bool
) -> None:
    secret = bench.generated(description="same")
    theirs = bench.create(secret)
    value, version = bench.value("password"), bench.current("password")
    ours = theirs.model_copy(update={"stack": f"{bench.stack}-other"})
    owner = theirs if declared else theirs.model_copy(update={"secrets": ()})
    context = bench.context(ours, owner, options=ApplyOptions(adopt=("*",)))
    outcomes = {one.change.resource.kind: one for done in apply_stack(context).values() for one in done}
    if declared:
        blocked = outcomes["secret"]
        assert isinstance(blocked, Skipped)
        assert "take it out of that stack first" in blocked.reason
        assert bench.tags("password")[STACK] == bench.stack
        return
    asked = STAGES["secrets"](bench.context(ours, owner, writing=False)).plan()[0]
    assert bench.tags("password")[STACK] == f"{bench.stack}-other"
    assert (bench.value("password"), bench.current("password")) == (value, version)
    assert asked.action is ChangeClass.NONE


def test_what_the_list_says_is_confirmed_before_a_write(bench: Bench) -> None:
    # The list is read, then somebody else deletes the secret and makes one of the same name.
    spec = bench.create(bench.declared(description="old"))
    edited = bench.spec(bench.declared(description="new"))
    context = bench.context(edited)
    reconciler = STAGES["secrets"](context)
    changes = reconciler.plan()
    assert changes[0].action is ChangeClass.UPDATE
    bench.secrets.delete_secret(SecretId=spec.secrets[0].name, ForceDeleteWithoutRecovery=True)
    bench.secrets.create_secret(Name=bench.name("api"), SecretString="theirs", Description="theirs")
    outcome = bench.run(reconciler, changes)[bench.name("api")]
    assert isinstance(outcome, Skipped)
    assert f"`apply -s {bench.stack} --adopt {bench.name('api')}`" in outcome.reason
    assert bench.describe("api")["Description"] == "theirs"


@pytest.mark.parametrize("state", ["ours", "theirs", "ours, deleted"])
def test_a_create_on_a_stale_list_plans_again_on_what_describe_says(bench: Bench, state: str) -> None:
    spec = bench.spec(bench.generated(description="wanted"))
    context = bench.context(spec)
    passwords = generate_passwords(context)
    assert not context.observed.secrets.all()
    name = bench.name("password")
    if state == "theirs":
        bench.secrets.create_secret(Name=name, SecretString="theirs")
    else:
        bench.create(bench.generated(description="older"))
    value = bench.value("password")
    if state == "ours, deleted":
        bench.secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    outcome = bench.run(STAGES["secrets"](context, passwords=passwords))[name]
    if state == "theirs":
        assert isinstance(outcome, Skipped)
        assert f"`apply -s {bench.stack} --adopt {name}`" in outcome.reason
    else:
        assert isinstance(outcome, Applied)
        assert bench.describe("password")["Description"] == "wanted"
    assert (bench.value("password"), bench.versions("password")) == (value, 1)


@pytest.mark.parametrize("stages", [(), ("secrets",), ("secrets", "secret_policies")])
def test_what_an_earlier_run_made_is_finished_by_one_that_creates_it_again_on_a_stale_list(
    bench: Bench, stages: tuple[str, ...]
) -> None:
    spec = bench.spec(bench.declared(policy=(TLS_ONLY,)))
    context = bench.context(spec)
    assert not context.observed.secrets.all()
    bench.provision(spec, *stages)
    # The same value under the same token: CreateSecret succeeds and makes nothing.
    done = apply_stack(context)
    assert {type(one) for outcomes in done.values() for one in outcomes} <= {Applied, Unchanged}
    state = bench.context(spec).observed.secrets.get(bench.name("api"))
    assert state is not None
    assert context.ownership.marks.verify(state).state is MarkState.FINISHED
    assert bench.versions("api") == 1
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_secret_of_ours_that_is_scheduled_for_deletion_is_restored_then_reconciled(bench: Bench) -> None:
    bench.create(bench.generated(description="old"))
    value = bench.value("password")
    bench.secrets.delete_secret(SecretId=bench.name("password"), RecoveryWindowInDays=7)
    spec = bench.spec(bench.generated(description="new"))
    assert bench.plan(spec)[bench.name("password")].action is ChangeClass.RESTORE
    outcome = bench.provision(spec)[f"secrets {bench.name('password')}"]
    assert isinstance(outcome, Applied)
    assert outcome.detail == "restored, description"
    assert "DeletedDate" not in bench.describe("password")
    assert (bench.value("password"), bench.versions("password")) == (value, 1)


def test_a_run_with_an_older_component_leaves_no_mark_that_never_verifies(
    bench: Bench, interruption: Interruption
) -> None:
    components = {"secrets": "secretsmanager", "secrets/new": "secretsmanager"}
    old = bench.generated(description="old")
    renamed = old.model_copy(update={"ref": old.ref.model_copy(update={"component": "secrets/new"})})
    spec = bench.spec(renamed, components=components)
    bench.create(bench.generated(description="older"), components=components)
    times = 0

    def other(operation: str) -> None:
        nonlocal times
        # The mark is what this run says last.
        if operation == "TagResource" and bench.describe("password").get("Description") == "old":
            times += 1
            bench.provision(spec)

    interruption.before = other
    bench.provision(bench.spec(old, components=components), interruption=interruption)
    assert times == 1
    bench.provision(spec)
    assert bench.tags("password")[COMPONENT] == "secrets/new"
    name = f"secrets {bench.name('password')}"
    assert isinstance(bench.provision(spec)[name], Unchanged)


def test_what_was_ours_once_is_adopted_without_what_we_said_of_it_then(bench: Bench) -> None:
    replicated = bench.spec(bench.generated(replicas=(ReplicaSpec(region="eu-west-1"),)))
    bench.provision(replicated)
    name = bench.name("password")
    bench.secrets.untag_resource(SecretId=name, TagKeys=[STACK, COMPONENT, KEY, SPEC])
    bench.secrets.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=["eu-west-1"])
    bench.secrets.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": "eu-west-1"}])
    plain = bench.spec(bench.generated())
    bench.provision(plain, options=ApplyOptions(adopt=("*",)))
    bench.provision(plain)
    assert [one["Region"] for one in bench.describe("password")["ReplicationStatus"]] == ["eu-west-1"]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_run_whose_clock_is_far_off_finishes_what_it_made(bench: Bench, hours: int) -> None:
    spec = bench.spec(bench.generated(), bench.declared(policy=(TLS_ONLY,)))
    outcomes = bench.provision(spec, now=lambda: datetime.now(UTC) + timedelta(hours=hours))
    assert {type(one) for one in outcomes.values()} <= {Applied, Unchanged}
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
