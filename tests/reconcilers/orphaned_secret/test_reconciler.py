"""Secrets that left the YAML: reported, deleted only where somebody asks, and restored if they are declared again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secrets_pipeline.engine.model import Applied, ChangeClass, Skipped, Unchanged
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.tag_keys import STACK

if TYPE_CHECKING:
    from tests.bench import Bench


def test_what_left_the_stack_is_reported_and_only_prune_deletes_it_with_thirty_days(bench: Bench) -> None:
    bench.create(bench.declared("kept"), bench.declared("left"))
    bench.secrets.create_secret(
        Name=bench.name("theirs"), SecretString="x", Tags=[{"Key": STACK, "Value": bench.stack}]
    )
    spec = bench.spec(bench.declared("kept"))
    reported = bench.provision(spec, "secrets")[f"secrets {bench.name('left')}"]
    assert isinstance(reported, Skipped)
    assert reported.change.action is ChangeClass.ORPHAN
    assert "apply --prune" in reported.reason
    assert "DeletedDate" not in bench.describe("left")

    outcomes = bench.provision(spec, "secrets", options=ApplyOptions(prune=True))
    assert isinstance(outcomes[f"secrets {bench.name('left')}"], Applied)
    about = bench.describe("left")
    assert 29.9 < (about["DeletedDate"] - about["LastChangedDate"]).total_seconds() / 86400 < 30.1
    assert "DeletedDate" not in bench.describe("kept")
    assert "DeletedDate" not in bench.describe("theirs")
    again = bench.provision(spec, "secrets", options=ApplyOptions(prune=True))
    assert f"secrets {bench.name('left')}" not in again


def test_prune_leaves_what_lost_its_mark_meanwhile(bench: Bench) -> None:
    bench.create(bench.declared("left"))
    context = bench.context(bench.spec(), options=ApplyOptions(prune=True))
    reconciler = STAGES["secrets"](context)
    changes = reconciler.plan()
    bench.secrets.untag_resource(SecretId=bench.name("left"), TagKeys=[STACK])
    outcome = bench.run(reconciler, changes)[bench.name("left")]
    assert isinstance(outcome, Skipped)
    assert "DeletedDate" not in bench.describe("left")


def test_what_we_pruned_and_is_declared_again_was_not_deleted_outside(bench: Bench) -> None:
    spec = bench.create(bench.generated())
    value = bench.value("password")
    bench.provision(bench.spec(), options=ApplyOptions(prune=True))
    change = bench.plan(spec)[bench.name("password")]
    assert (change.action, change.drift) == (ChangeClass.RESTORE, False)
    assert "changed outside" not in change.reason
    bench.provision(spec)
    assert bench.value("password") == value
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_prune_leaves_what_is_replicated_to_another_account_and_says_which_call_ends_that(bench: Bench) -> None:
    bench.create(bench.declared("left"))
    copy = "arn:aws:secretsmanager:eu-west-2:444455556666:secret:copy-AbCdEf"

    def answer(parsed: dict[str, Any], **_: object) -> None:
        parsed["CrossAccountReplicas"] = [{"ReplicaSecretARN": copy, "ReplicationStatus": "InSync"}]

    context = bench.context(bench.spec(), options=ApplyOptions(prune=True))
    context.account.client("secretsmanager").meta.events.register("after-call.secretsmanager.DescribeSecret", answer)
    reconciler = STAGES["secrets"](context)
    outcome = bench.run(reconciler, reconciler.plan())[bench.name("left")]
    assert isinstance(outcome, Skipped)
    assert "is replicated to account 444455556666" in outcome.reason
    assert "aws secretsmanager disassociate-cross-account-replica" in f"{outcome.reason} {outcome.remedy}"
    assert "DeletedDate" not in bench.describe("left")
