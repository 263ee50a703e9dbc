"""Replicas: added, retried, put under another key and removed, read only where there is a reason to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.desired.secret.model import ReplicaSpec, SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.apply import Reconciler, apply
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Failed, Outcome, Skipped, Unchanged
from secrets_pipeline.operations.as_declared import as_declared
from secrets_pipeline.operations.stages import STAGES, commit
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.replica.reconciler import ReplicaReconciler
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.reconcilers.tag_keys import REPLICAS
from tests.bench import during, said
from tests.statements import TLS_ONLY

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from botocore.session import Session
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.bench import Bench, Interruption

STAGE = "secret_replicas"
IRELAND, FRANKFURT, PARIS = "eu-west-1", "eu-central-1", "eu-west-3"
UNREAD = "not read: `verify` and `plan --deep` do"
CALLS = ("ReplicateSecretToRegions", "RemoveRegionsFromReplication")


def at_first(operation: str, act: Callable[[], object]) -> tuple[Callable[[str], None], list[str]]:
    """What acts when an operation is called for the first time, and a list that is not empty then."""
    called: list[str] = []

    def look(now: str) -> None:
        if now == operation and not called:
            called.append(now)
            act()

    return look, called


def replicated(bench: Bench, *regions: str | ReplicaSpec, key: str = "api", **more: object) -> SecretSpec:
    wanted = tuple(ReplicaSpec(region=one) if isinstance(one, str) else one for one in regions)
    return bench.declared(key, replicas=wanted, **more)


def there(bench: Bench, region: str = IRELAND) -> SecretsManagerClient:
    return bench.session.client("secretsmanager", region_name=region)


def kms(bench: Bench, region: str = IRELAND) -> KMSClient:
    return bench.session.client("kms", region_name=region)


def status(bench: Bench, key: str = "api") -> dict[str, str]:
    return {one["Region"]: one["Status"] for one in bench.describe(key).get("ReplicationStatus", [])}


def planned(bench: Bench, spec: StackSpec, *, deep: bool = False) -> Change:
    (change,) = ReplicaReconciler(bench.context(spec, writing=False), deep=deep).plan()
    return change


def put_back(bench: Bench, spec: StackSpec) -> Outcome:
    """What a deep run makes of the only secret with replicas."""
    context = bench.context(spec)
    (outcome,) = bench.run(ReplicaReconciler(context, deep=True)).values()
    bench.run(commit(context))
    return outcome


def test_a_secret_is_replicated_under_the_key_of_each_region_and_then_nothing_is_left(bench: Bench) -> None:
    key = kms(bench).create_key()["KeyMetadata"]["Arn"]
    secret = replicated(bench, ReplicaSpec(region=IRELAND, kms_key_id=key), FRANKFURT, policy=(TLS_ONLY,))
    spec = bench.spec(secret)
    assert said(planned(bench, spec)) == (f"follows the secret, to {IRELAND}, {FRANKFURT}",)
    outcomes = bench.provision(spec)
    done = outcomes[f"{STAGE} {secret.name}"]
    assert isinstance(done, Applied)
    assert done.change.action is ChangeClass.REPLICATE
    assert done.detail == "eu-central-1 InSync, eu-west-1 InSync"
    about = there(bench).describe_secret(SecretId=secret.name)
    assert (about["KmsKeyId"], about["PrimaryRegion"]) == (key, bench.aws.region)
    assert "KmsKeyId" not in there(bench, FRANKFURT).describe_secret(SecretId=secret.name)
    assert there(bench, FRANKFURT).get_secret_value(SecretId=secret.name)["SecretString"] == "declared"
    policy = json.loads(there(bench).get_resource_policy(SecretId=secret.name)["ResourcePolicy"])
    assert policy["Statement"] == [TLS_ONLY]
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_finished_replica_costs_no_call_until_somebody_looks_deeply(bench: Bench) -> None:
    spec = bench.create(*(replicated(bench, IRELAND, key=f"n{number}") for number in range(3)))
    bench.reset_calls()
    changes = bench.plan(spec, STAGE).values()
    assert {(one.action, said(one)) for one in changes} == {(ChangeClass.NONE, (UNREAD,))}
    assert set(bench.calls()) == {"ListSecrets"}
    bench.reset_calls()
    deep = ReplicaReconciler(bench.context(spec, writing=False), deep=True).plan()
    assert {(one.action, said(one)) for one in deep} == {(ChangeClass.NONE, ("eu-west-1 InSync",))}
    assert bench.calls()["DescribeSecret"] == 3
    findings = as_declared(bench.context(spec, writing=False), STAGE, deep=True)
    assert {(one.verdict, one.detail) for one in findings} == {(Verdict.RIGHT, "eu-west-1 InSync")}


def test_a_replica_that_is_gone_is_made_again_by_the_run_that_finishes_a_secret(bench: Bench) -> None:
    """Without its replica the secret would not be marked by any run that is not deep."""
    bench.create(replicated(bench, IRELAND))
    bench.secrets.remove_regions_from_replication(SecretId=bench.name("api"), RemoveReplicaRegions=[IRELAND])
    spec = bench.spec(replicated(bench, IRELAND, description="another"))
    # A job that follows a rotation has these stages, and none for replicas.
    context = bench.context(spec)
    bench.run(STAGES["secrets"](context))
    bench.run(commit(context))
    assert isinstance(bench.provision(spec)[f"{STAGE} {bench.name('api')}"], Applied)
    assert status(bench) == {IRELAND: "InSync"}
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_regions_are_added_and_removed_as_the_stack_says_in_one_call_each(bench: Bench) -> None:
    bench.create(replicated(bench, IRELAND, FRANKFURT))
    spec = bench.spec(replicated(bench, FRANKFURT, PARIS))
    change = planned(bench, spec)
    assert (change.action, change.drift) == (ChangeClass.REPLICATE, False)
    assert said(change) == (
        "replicate to eu-west-3 under the default key",
        "replica in eu-west-1 is not declared any more and is deleted",
    )
    bench.reset_calls()
    done = bench.provision(spec)[f"{STAGE} {bench.name('api')}"]
    assert isinstance(done, Applied)
    assert done.detail == "eu-central-1 InSync, eu-west-3 InSync, removed from eu-west-1"
    assert {call: bench.calls()[call] for call in CALLS} == dict.fromkeys(CALLS, 1)
    assert status(bench) == {FRANKFURT: "InSync", PARIS: "InSync"}
    assert bench.tags("api")[REPLICAS].startswith(f"{FRANKFURT} {PARIS}.")
    none = bench.spec(bench.declared())
    bench.provision(none)
    assert status(bench) == {}
    assert {type(one) for one in bench.provision(none).values()} == {Unchanged}
    assert bench.plan(none, STAGE) == {}


def test_a_replica_that_somebody_else_added_is_shown_and_never_removed(bench: Bench) -> None:
    bench.create(replicated(bench, IRELAND), bench.declared("plain"))
    for key in ("api", "plain"):
        bench.secrets.replicate_secret_to_regions(SecretId=bench.name(key), AddReplicaRegions=[{"Region": FRANKFURT}])
    spec = bench.spec(replicated(bench, IRELAND), bench.declared("plain"))
    assert ReplicaReconciler(bench.context(spec, writing=False)).plan()[0].reason == UNREAD
    for change in ReplicaReconciler(bench.context(spec, writing=False), deep=True).plan():
        assert (change.action, change.drift) == (ChangeClass.NONE, True)
        added = "changed outside: replica in eu-central-1 was added by somebody else; it is left alone"
        assert change.reason == added
    none = bench.spec(bench.declared(), bench.declared("plain"))
    bench.provision(none)
    assert (status(bench), status(bench, "plain")) == ({FRANKFURT: "InSync"}, {FRANKFURT: "InSync"})


def test_a_region_that_is_declared_after_somebody_else_added_it_is_ours_from_then_on(bench: Bench) -> None:
    bench.create(bench.declared())
    bench.secrets.replicate_secret_to_regions(SecretId=bench.name("api"), AddReplicaRegions=[{"Region": IRELAND}])
    spec = bench.spec(replicated(bench, IRELAND))
    assert said(planned(bench, spec)) == ("replica in eu-west-1 was added by somebody else, and is declared now",)
    bench.provision(spec)
    assert planned(bench, spec, deep=True).action is ChangeClass.NONE
    bench.provision(bench.spec(bench.declared()))
    assert status(bench) == {}


@pytest.mark.parametrize("spelling", ["arn", "id", "alias"])
def test_another_key_is_put_on_the_replica_where_it_is_without_deleting_it(bench: Bench, spelling: str) -> None:
    made = kms(bench).create_key()["KeyMetadata"]
    kms(bench).create_alias(AliasName=bench.alias, TargetKeyId=made["KeyId"])
    named = {"arn": made["Arn"], "id": made["KeyId"], "alias": bench.alias}[spelling]
    bench.create(replicated(bench, IRELAND))
    spec = bench.spec(replicated(bench, ReplicaSpec(region=IRELAND, kms_key_id=named)))
    assert said(planned(bench, spec)) == (f"kms key of the replica in eu-west-1 differs: default → {named}",)
    bench.reset_calls()
    bench.provision(spec)
    assert not set(bench.calls()) & set(CALLS)
    assert bench.calls()["UpdateSecret"] == 1
    assert there(bench).describe_secret(SecretId=bench.name("api"))["KmsKeyId"] == named
    assert there(bench).get_secret_value(SecretId=bench.name("api"))["SecretString"] == "declared"
    other = {"arn": bench.alias, "id": made["Arn"], "alias": made["KeyId"]}[spelling]
    same = bench.spec(replicated(bench, ReplicaSpec(region=IRELAND, kms_key_id=other)))
    bench.reset_calls()
    bench.provision(same)
    assert "UpdateSecret" not in bench.calls()
    bench.provision(bench.spec(replicated(bench, IRELAND)))
    assert there(bench).describe_secret(SecretId=bench.name("api")).get("KmsKeyId") in (
        None,
        "alias/aws/secretsmanager",
    )
    assert planned(bench, bench.spec(replicated(bench, IRELAND)), deep=True).action is ChangeClass.NONE


@pytest.mark.parametrize("state", ["missing", "Disabled", "PendingDeletion"])
def test_the_key_of_a_region_is_looked_at_before_anything_is_written(bench: Bench, state: str) -> None:
    key = f"alias/{bench.stack}-there"
    if state != "missing":
        made = kms(bench).create_key()["KeyMetadata"]["KeyId"]
        kms(bench).create_alias(AliasName=key, TargetKeyId=made)
        if state == "Disabled":
            kms(bench).disable_key(KeyId=made)
        else:
            kms(bench).schedule_key_deletion(KeyId=made, PendingWindowInDays=7)
    bench.create(bench.declared(), bench.declared("other"))
    spec = bench.spec(
        replicated(bench, ReplicaSpec(region=IRELAND, kms_key_id=key), FRANKFURT),
        replicated(bench, FRANKFURT, key="other"),
    )
    problem = "does not exist" if state == "missing" else f"is {state}"
    assert bench.plan(spec, STAGE)[bench.name("api")].action is ChangeClass.BLOCKED
    outcomes = bench.provision(spec)
    failed = outcomes[f"{STAGE} {bench.name('api')}"]
    assert isinstance(failed, Failed)
    assert failed.error.message.startswith(
        f"KMS key {key} for the replica of {bench.name('api')} in eu-west-1 {problem}"
    )
    assert failed.error.remedy
    assert status(bench) == {}
    assert REPLICAS not in bench.tags("api")
    unfinished = outcomes[f"commit {bench.name('api')}"]
    assert isinstance(unfinished, Skipped)
    assert status(bench, "other") == {FRANKFURT: "InSync"}
    if state == "Disabled":
        kms(bench).enable_key(KeyId=made)
        bench.provision(spec)
        assert status(bench) == {IRELAND: "InSync", FRANKFURT: "InSync"}


def test_a_failed_replica_is_a_failed_outcome_with_what_to_do_and_is_tried_again(bench: Bench) -> None:
    name = bench.name("api")
    there(bench).create_secret(Name=name, SecretString="theirs")
    spec = bench.spec(replicated(bench, IRELAND, FRANKFURT))
    outcomes = bench.provision(spec)
    failed = outcomes[f"{STAGE} {name}"]
    assert isinstance(failed, Failed)
    assert f"replication of {name} failed in eu-west-1: " in failed.error.message
    assert "already exists in region eu-west-1" in failed.error.message
    assert failed.error.remedy.startswith("Delete or rename the secret of that name in that region")
    unfinished = outcomes[f"commit {name}"]
    assert isinstance(unfinished, Skipped)
    assert "replica in eu-west-1 is Failed" in unfinished.reason
    assert there(bench).get_secret_value(SecretId=name)["SecretString"] == "theirs"
    assert status(bench) == {IRELAND: "Failed", FRANKFURT: "InSync"}
    change = planned(bench, spec)
    assert change.reason.startswith("replica in eu-west-1 is Failed: Replication failed: ")
    there(bench).delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    bench.reset_calls()
    assert isinstance(bench.provision(spec)[f"{STAGE} {name}"], Applied)
    assert status(bench) == {IRELAND: "InSync", FRANKFURT: "InSync"}
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


@pytest.mark.parametrize("part", ["removed", "key", "failed"])
def test_each_change_by_hand_is_drift_that_a_deep_plan_alone_names_and_is_put_back(bench: Bench, part: str) -> None:
    name, key = bench.name("api"), kms(bench).create_key()["KeyMetadata"]["Arn"]
    spec = bench.create(replicated(bench, IRELAND, FRANKFURT))
    by_hand: dict[str, Callable[[], Any]] = {
        "removed": lambda: bench.secrets.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=[IRELAND]),
        "key": lambda: there(bench).update_secret(SecretId=name, KmsKeyId=key),
        "failed": lambda: there(bench).stop_replication_to_replica(SecretId=name),
    }
    by_hand[part]()
    assert said(planned(bench, spec)) == (UNREAD,)
    change = planned(bench, spec, deep=True)
    assert (change.action, change.drift) == (ChangeClass.REPLICATE, True)
    assert change.reason == (
        f"changed outside: kms key of the replica in eu-west-1 differs: {key} → default"
        if part == "key"
        else "changed outside: replica in eu-west-1 is missing"
    )
    (finding,) = as_declared(bench.context(spec, writing=False), STAGE, deep=True)
    assert finding.verdict is Verdict.WRONG
    if part == "failed":
        # Somebody made a secret of its own out of it: that is theirs.
        assert isinstance(put_back(bench, spec), Failed)
        assert there(bench).get_secret_value(SecretId=name)["SecretString"] == "declared"
        return
    assert isinstance(put_back(bench, spec), Applied)
    assert planned(bench, spec, deep=True).action is ChangeClass.NONE


def test_replicas_belong_to_their_primary_and_are_neither_adopted_nor_written_nor_pruned(bench: Bench) -> None:
    far = there(bench)
    for key in ("theirs", "orphan"):
        far.create_secret(Name=bench.name(key), SecretString="far", AddReplicaRegions=[{"Region": bench.aws.region}])
    owner = bench.context(bench.spec()).ownership.owner(bench.declared("orphan"))
    far.tag_resource(SecretId=bench.name("orphan"), Tags=[{"Key": k, "Value": v} for k, v in owner.tags().items()])
    options = ApplyOptions(adopt=("*",), prune=True)
    spec = bench.spec(bench.declared("theirs", policy=(TLS_ONLY,), replicas=(ReplicaSpec(region=FRANKFURT),)))
    change = bench.plan(spec, options=options)[bench.name("theirs")]
    assert change.action is ChangeClass.BLOCKED
    assert change.reason == "is a replica of the secret in eu-west-1: declare it there, with replica_regions"
    bench.reset_calls()
    outcomes = bench.provision(spec, options=options)
    assert not {type(outcomes[one]) for one in outcomes if bench.name("theirs") in one} - {Skipped}
    written = [call for call in bench.calls() if not call.startswith(("Describe", "List", "Get"))]
    assert written == []
    assert bench.value("orphan") == "far"


def test_nothing_but_a_key_is_ever_written_in_the_region_of_a_replica(bench: Bench, interruption: Interruption) -> None:
    key = kms(bench).create_key()["KeyMetadata"]["Arn"]
    seen: list[tuple[str, str]] = []
    for secret in (
        replicated(bench, IRELAND, policy=(TLS_ONLY,)),
        replicated(bench, ReplicaSpec(region=IRELAND, kms_key_id=key), description="new", tags={"Team": "orders"}),
        bench.declared(),
    ):
        # With clients of its own, which are made after the watch.
        context = bench.context(bench.spec(secret), interruption=interruption)
        watch(context.observed.account_in(IRELAND).botocore_session, seen)
        for make in STAGES.values():
            bench.run(make(context))
        bench.run(commit(context))
    assert [call for call in seen if not call[1].startswith(("Describe", "List", "Get"))] == [
        ("secretsmanager", "UpdateSecret")
    ]


def watch(session: Session, seen: list[tuple[str, str]]) -> None:
    def note(model: OperationModel, **_: object) -> None:
        seen.append((model.service_model.service_name, model.name))

    session.get_component("event_emitter").register("before-call", note)


def pruned(bench: Bench) -> Outcome:
    outcomes = bench.provision(bench.spec(), "secrets", options=ApplyOptions(prune=True))
    return outcomes[f"secrets {bench.name('api')}"]


def test_a_pruned_secret_loses_its_replicas_first_and_gets_them_back_when_it_is_declared_again(bench: Bench) -> None:
    spec = bench.create(replicated(bench, IRELAND, FRANKFURT))
    assert isinstance(pruned(bench), Applied)
    assert "DeletedDate" in bench.describe("api")
    assert status(bench) == {}
    outcomes = bench.provision(spec)
    assert isinstance(outcomes[f"{STAGE} {bench.name('api')}"], Applied)
    assert status(bench) == {IRELAND: "InSync", FRANKFURT: "InSync"}
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_secret_with_replicas_of_somebody_else_is_not_pruned(bench: Bench) -> None:
    bench.create(replicated(bench, IRELAND))
    bench.secrets.replicate_secret_to_regions(SecretId=bench.name("api"), AddReplicaRegions=[{"Region": FRANKFURT}])
    outcome = pruned(bench)
    assert isinstance(outcome, Skipped)
    assert "has replicas in eu-central-1 that somebody else made" in outcome.reason
    assert status(bench) == {IRELAND: "InSync", FRANKFURT: "InSync"}
    assert "DeletedDate" not in bench.describe("api")


def test_a_prune_that_was_killed_between_replicas_and_secret_is_finished_or_undone_by_the_next_run(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    for again in (False, True):
        one = bench.another()
        spec = one.create(replicated(one, IRELAND))

        interruption.kill_after("RemoveRegionsFromReplication")
        with pytest.raises(killed):
            one.provision(one.spec(), "secrets", options=ApplyOptions(prune=True), interruption=interruption)
        assert status(one) == {}
        if again:
            # Declared again before it was deleted: the mark must not vouch for replicas that are gone.
            one.provision(spec)
            assert status(one) == {IRELAND: "InSync"}
        else:
            assert isinstance(pruned(one), Applied)
            assert "DeletedDate" in one.describe("api")


@pytest.mark.parametrize("when", ["before", "after"])
def test_two_runs_that_race_end_with_what_both_wanted(bench: Bench, interruption: Interruption, when: str) -> None:
    bench.create(replicated(bench, IRELAND))
    spec = bench.spec(replicated(bench, FRANKFURT))
    for at in CALLS:
        race, raced = at_first(at, partial(bench.provision, spec))
        setattr(interruption, when, race)
        outcome = bench.provision(spec, interruption=interruption)[f"{STAGE} {bench.name('api')}"]
        assert isinstance(outcome, Applied), outcome
        assert raced
        assert status(bench) == {FRANKFURT: "InSync"}
        assert planned(bench, spec, deep=True).action is ChangeClass.NONE
        bench.create(replicated(bench, IRELAND))


def test_wherever_a_run_is_killed_the_next_one_ends_as_a_clean_one_does(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    boundary, finished = 0, False
    while not finished:
        one = bench.another()
        key = kms(one).create_key()["KeyMetadata"]["Arn"]
        one.provision(one.spec(replicated(one, IRELAND, FRANKFURT), one.declared("new")))
        spec = one.spec(
            replicated(one, PARIS, ReplicaSpec(region=IRELAND, kms_key_id=key)), replicated(one, IRELAND, key="new")
        )
        interruption.kill_at(boundary)
        context = one.context(spec, interruption=interruption)
        # The key of a replica is changed in its own region.
        events = context.observed.account_in(IRELAND).botocore_session.get_component("event_emitter")
        events.register("before-call", lambda model, **_: interruption.before(model.name))
        events.register("after-call", lambda model, **_: interruption.after(model.name))
        try:
            whole_run(context)
        except killed:
            one.provision(spec)
        else:
            finished = True
        said = f"killed at boundary {boundary}"
        assert status(one) == {IRELAND: "InSync", PARIS: "InSync"}, said
        assert status(one, "new") == {IRELAND: "InSync"}, said
        assert there(one).describe_secret(SecretId=one.name("api"))["KmsKeyId"] == key, said
        assert one.tags("api")[REPLICAS].startswith(f"{IRELAND} {PARIS}."), said
        deep = ReplicaReconciler(one.context(spec, writing=False), deep=True).plan()
        assert {change.action for change in deep} == {ChangeClass.NONE}, said
        assert {type(outcome) for outcome in one.provision(spec).values()} == {Unchanged}, said
        # What left the stack again goes, wherever the run was killed that made it.
        one.provision(one.spec(one.declared(), one.declared("new")))
        assert (status(one), status(one, "new")) == ({}, {}), said
        boundary += 3
    assert boundary > 25


def test_a_region_that_left_the_stack_before_the_run_that_added_it_had_finished_is_removed(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    bench.create(bench.declared())

    interruption.kill_after("ReplicateSecretToRegions")
    with pytest.raises(killed):
        bench.provision(bench.spec(replicated(bench, IRELAND)), interruption=interruption)
    assert status(bench) == {IRELAND: "InSync"}
    bench.provision(bench.spec(bench.declared()))
    assert status(bench) == {}


def test_a_secret_that_is_not_there_or_not_ours_is_not_replicated(bench: Bench) -> None:
    bench.secrets.create_secret(Name=bench.name("theirs"), SecretString="x")
    spec = bench.spec(replicated(bench, IRELAND, key="theirs"), replicated(bench, IRELAND, key="missing"))
    outcomes = bench.provision(spec, STAGE)
    assert {type(one) for one in outcomes.values()} == {Skipped}
    assert status(bench, "theirs") == {}


REPLICATING = timedelta(minutes=10)


@pytest.fixture
def slow(bench: Bench) -> Iterator[Bench]:
    """A bench on a server where a replica takes its time, longer than any run waits."""
    emulator.set_pace(bench.aws, emulator.Pace(seconds={"replica InProgress": REPLICATING.total_seconds()}))
    yield bench
    emulator.reset_conditions(bench.aws)


def whole_run(context: Stack) -> tuple[Outcome, Outcome | None]:
    """What a run makes of the replicas of the first secret, and of its mark; None if it was written on the way."""
    by_stage = {}
    stages: dict[str, Callable[[Stack], Reconciler]] = {**STAGES, "commit": commit}
    for name, make in stages.items():
        reconciler = make(context)
        by_stage[name] = apply(reconciler, reconciler.plan())
    return by_stage[STAGE][0], next(iter(by_stage["commit"]), None)


class FakeTime:
    """A clock that moves by sleeping alone; `meanwhile` is what happens while somebody sleeps."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.now = 0.0
        self._meanwhile = meanwhile

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self._meanwhile()


def patient(bench: Bench, spec: StackSpec) -> Stack:
    """A run that finds a replica's time over whenever it has waited."""
    context, time = bench.context(spec), FakeTime(lambda: emulator.advance(bench.aws, REPLICATING))
    return during(context, clock=time.clock, sleep=time.sleep)


def test_a_replica_in_progress_is_looked_at_again_before_the_mark_is_written(slow: Bench) -> None:
    spec = slow.spec(replicated(slow, IRELAND))
    replication, mark = whole_run(patient(slow, spec))
    assert isinstance(replication, Applied)
    assert replication.detail == "eu-west-1 InProgress"
    assert isinstance(mark, Applied)
    assert said(planned(slow, spec)) == (UNREAD,)
    assert said(planned(slow, spec, deep=True)) == ("eu-west-1 InSync",)


def test_a_replica_that_stays_in_progress_is_not_waited_for_without_end(slow: Bench) -> None:
    spec = slow.spec(*(replicated(slow, IRELAND, key=f"n{number}") for number in range(3)))
    time = FakeTime()
    context = during(slow.context(spec), clock=time.clock, sleep=time.sleep)
    slow.reset_calls()
    replication, mark = whole_run(context)
    assert isinstance(replication, Applied)
    assert isinstance(mark, Skipped)
    assert mark.reason == "not finished: waits: replica in eu-west-1 is InProgress"
    # One wait for all three of them.
    assert time.now == 15
    assert slow.calls()["DescribeSecret"] < 25
    changes = ReplicaReconciler(slow.context(spec, writing=False)).plan()
    assert {said(one) for one in changes} == {("waits: replica in eu-west-1 is InProgress",)}
    findings = as_declared(slow.context(spec, writing=False), STAGE, deep=False)
    assert {one.verdict for one in findings} == {Verdict.WAITING}
    later = during(slow.context(spec), clock=time.clock, sleep=time.sleep)
    waiting, _ = whole_run(later)
    assert isinstance(waiting, Skipped)
    assert waiting.reason == f"replication of {slow.name('n0')} goes on: eu-west-1 InProgress"
    emulator.advance(slow.aws, REPLICATING)
    assert {type(one) for one in slow.provision(spec).values()} <= {Applied, Unchanged}
    assert {type(one) for one in slow.provision(spec).values()} == {Unchanged}


def test_a_replica_that_fails_after_the_call_fails_the_run(slow: Bench) -> None:
    there(slow).create_secret(Name=slow.name("api"), SecretString="theirs")
    replication, mark = whole_run(patient(slow, slow.spec(replicated(slow, IRELAND))))
    assert isinstance(replication, Applied)
    assert isinstance(mark, Failed)
    assert f"replication of {slow.name('api')} failed in eu-west-1: " in mark.error.message
    assert mark.error.remedy.startswith("Delete or rename the secret")


def test_a_context_reaches_another_region_with_the_same_credentials(bench: Bench) -> None:
    context: Stack = bench.context(bench.spec())
    assert context.observed.account_in(IRELAND).region == IRELAND
    assert context.observed.account_in(IRELAND).account_id == context.account.account_id


def test_a_secret_that_somebody_takes_over_between_two_stages_is_not_replicated(bench: Bench) -> None:
    bench.create(bench.declared())
    spec = bench.spec(replicated(bench, IRELAND, description="new"))
    context = bench.context(spec)
    bench.run(STAGES["secrets"](context))
    bench.secrets.untag_resource(SecretId=bench.name("api"), TagKeys=list(bench.tags("api")))
    outcome = bench.run(STAGES[STAGE](context))[bench.name("api")]
    assert isinstance(outcome, Skipped)
    assert not status(bench)
    assert bench.tags("api") == {}


def test_a_replica_that_another_run_made_between_two_stages_stays_ours_to_remove(bench: Bench) -> None:
    bench.create(bench.declared())
    spec = bench.spec(replicated(bench, FRANKFURT, description="new"))
    context = bench.context(spec)
    bench.run(STAGES["secrets"](context))
    bench.provision(bench.spec(replicated(bench, IRELAND)))
    bench.run(STAGES[STAGE](context))
    bench.provision(spec)
    assert set(status(bench)) == {FRANKFURT}


def test_a_replica_that_another_run_added_to_a_secret_that_this_run_made_stays_ours_to_remove(bench: Bench) -> None:
    spec = bench.spec(replicated(bench, FRANKFURT))
    context = bench.context(spec)
    bench.run(STAGES["secrets"](context))
    bench.provision(bench.spec(replicated(bench, IRELAND)))
    bench.run(STAGES[STAGE](context))
    assert set(status(bench)) == {IRELAND, FRANKFURT}
    bench.provision(spec)
    assert set(status(bench)) == {FRANKFURT}


def test_a_replica_that_another_run_adds_while_this_one_removes_its_own_stays_ours_to_remove(
    bench: Bench, interruption: Interruption
) -> None:
    bench.create(replicated(bench, IRELAND))
    spec = bench.spec(replicated(bench, FRANKFURT))
    another = partial(bench.provision, bench.spec(replicated(bench, FRANKFURT, PARIS)))
    interruption.after, raced = at_first("RemoveRegionsFromReplication", another)
    bench.provision(spec, interruption=interruption)
    assert raced
    assert set(status(bench)) == {FRANKFURT, PARIS}
    bench.provision(spec)
    assert set(status(bench)) == {FRANKFURT}


def test_a_replica_that_another_run_adds_again_right_after_this_one_removed_it_stays_ours_to_remove(
    bench: Bench, interruption: Interruption
) -> None:
    both = bench.create(replicated(bench, IRELAND, FRANKFURT))
    spec = bench.spec(replicated(bench, FRANKFURT))
    interruption.after, raced = at_first("RemoveRegionsFromReplication", partial(bench.provision, both))
    bench.provision(spec, interruption=interruption)
    assert raced
    assert set(status(bench)) == {IRELAND, FRANKFURT}
    bench.provision(spec)
    assert set(status(bench)) == {FRANKFURT}


@pytest.mark.parametrize("operation", ["ReplicateSecretToRegions", "RemoveRegionsFromReplication"])
def test_a_secret_that_somebody_takes_over_between_two_calls_is_not_tagged_again(
    bench: Bench, interruption: Interruption, operation: str
) -> None:
    bench.create(replicated(bench, IRELAND))

    def take_over(called: str) -> None:
        if called == operation:
            bench.secrets.untag_resource(SecretId=bench.name("api"), TagKeys=list(bench.tags("api")))

    interruption.after = take_over
    spec = bench.spec(replicated(bench, FRANKFURT))
    outcome = bench.provision(spec, STAGE, interruption=interruption)[f"{STAGE} {bench.name('api')}"]
    assert isinstance(outcome, Skipped)
    assert bench.tags("api") == {}


def test_a_region_that_another_run_replicates_to_again_is_not_forgotten_as_gone(
    bench: Bench, interruption: Interruption
) -> None:
    bench.create(replicated(bench, IRELAND))
    bench.secrets.remove_regions_from_replication(SecretId=bench.name("api"), RemoveReplicaRegions=[IRELAND])
    spec = bench.spec(replicated(bench, FRANKFURT))
    another = partial(bench.provision, bench.spec(replicated(bench, IRELAND, FRANKFURT)))
    interruption.before, raced = at_first("ReplicateSecretToRegions", another)
    bench.provision(spec, interruption=interruption)
    assert raced
    assert set(status(bench)) == {IRELAND, FRANKFURT}
    bench.provision(spec)
    assert set(status(bench)) == {FRANKFURT}


def test_a_region_that_an_older_run_noted_under_the_mark_of_a_newer_one_is_forgotten_again(bench: Bench) -> None:
    older = bench.context(bench.spec(replicated(bench, IRELAND, FRANKFURT)))
    bench.run(STAGES["secrets"](older))
    newer = bench.spec(replicated(bench, IRELAND))
    bench.provision(newer)
    outcome = bench.run(STAGES[STAGE](older))[bench.name("api")]
    assert isinstance(outcome, Failed)
    bench.provision(newer)
    assert planned(bench, newer, deep=True).action is ChangeClass.NONE
