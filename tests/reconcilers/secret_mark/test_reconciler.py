"""The commit mark: last of all, and only on what is right in every part."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.secret.model import ReplicaSpec
from secrets_pipeline.emulator import StandInFunction, StandInRole, stand_in
from secrets_pipeline.engine.model import Applied, ChangeClass, Resource, Skipped
from secrets_pipeline.operations.stages import STAGES, commit
from secrets_pipeline.reconcilers.marks.secret_mark import MarkState, Part
from secrets_pipeline.reconcilers.secret.part_mark import withdraw_digest
from secrets_pipeline.reconcilers.tag_keys import SPEC, STACK
from secrets_pipeline.references.model import Literal
from tests.reconcilers.secret.test_blocked import NOWHERE
from tests.statements import TLS_ONLY

if TYPE_CHECKING:
    from tests.bench import Bench, Interruption


def test_a_secret_is_marked_when_every_part_is_right_and_then_not_again(bench: Bench) -> None:
    # The database is made with its value, so its policy comes afterwards.
    spec = bench.spec(bench.generated(policy=(TLS_ONLY,)), databases=(bench.database(),))
    bench.provision(spec, "secrets")
    unfinished = bench.run(commit(bench.context(spec)))[bench.name("password")]
    assert isinstance(unfinished, Skipped)
    assert unfinished.reason == "not finished: policy"
    bench.reset_calls()
    bench.provision(spec, "secret_policies")
    # The second run takes what the first one made, and marks it.
    assert bench.calls()["TagResource"] == 2
    assert bench.run(commit(bench.context(spec))) == {}
    context = bench.context(spec)
    state = context.observed.secrets.get(bench.name("password"))
    assert state is not None
    assert context.ownership.marks.verify(state).state is MarkState.FINISHED


@pytest.mark.parametrize(
    ("part", "applied", "edit"),
    [
        ("description", {}, {"description": "other"}),
        ("tag Team", {}, {"tags": {"Team": "x"}}),
        ("policy", {}, {"policy": (TLS_ONLY,)}),
        ("policy", {"policy": (TLS_ONLY,)}, {}),
    ],
)
def test_a_part_that_was_not_applied_keeps_the_old_mark(
    bench: Bench, part: str, applied: dict[str, Any], edit: dict[str, Any]
) -> None:
    bench.create(bench.declared(**applied))
    before = bench.tags("api")[SPEC]
    outcome = bench.run(commit(bench.context(bench.spec(bench.declared(**edit)))))[bench.name("api")]
    assert isinstance(outcome, Skipped)
    assert part in outcome.reason
    assert bench.tags("api")[SPEC] == before


def test_credentials_whose_fields_wait_and_secrets_whose_replicas_failed_are_not_finished(bench: Bench) -> None:
    waiting = bench.generated(fields={"host": "${output.rds.address}"})
    replicated = bench.declared("replicated", replicas=(ReplicaSpec(region="eu-west-1"),))
    bench.session.client("secretsmanager", region_name="eu-west-1").create_secret(Name=replicated.name)
    outcomes = bench.provision(bench.spec(waiting, replicated, databases=(bench.database(create=False),)))
    for name, part in (
        (waiting.name, "fields beside the password"),
        (replicated.name, "replica in eu-west-1 is Failed: "),
    ):
        outcome = outcomes[f"commit {name}"]
        assert isinstance(outcome, Skipped)
        assert outcome.reason.startswith(f"not finished: {part}")


def test_what_does_not_exist_is_deleted_or_is_not_ours_is_not_marked(bench: Bench) -> None:
    spec = bench.create(bench.declared("deleted"))
    bench.secrets.delete_secret(SecretId=bench.name("deleted"), RecoveryWindowInDays=7)
    bench.secrets.create_secret(Name=bench.name("theirs"), SecretString="x")
    wanted = bench.spec(*spec.secrets, bench.declared("theirs"), bench.declared("missing"))
    assert bench.run(commit(bench.context(wanted))) == {}


def test_a_mark_that_could_not_be_written_with_the_last_part_is_written_at_the_end(
    bench: Bench, interruption: Interruption
) -> None:
    interruption.before = refuse
    spec = bench.spec(bench.declared())
    done = bench.provision(spec, "secrets", interruption=interruption)[f"secrets {bench.name('api')}"]
    assert isinstance(done, Applied)
    assert isinstance(bench.provision(spec)[f"commit {bench.name('api')}"], Applied)


def test_a_blocked_secret_is_not_marked_though_nothing_else_is_open(bench: Bench, interruption: Interruption) -> None:
    interruption.before = refuse
    bench.provision(bench.spec(bench.declared()), "secrets", interruption=interruption)
    before = bench.tags("api")[SPEC]
    blocked = bench.spec(bench.declared(unresolved=(NOWHERE,)))
    outcomes = bench.provision(blocked)
    assert isinstance(outcomes[f"secrets {bench.name('api')}"], Skipped)
    assert f"commit {bench.name('api')}" not in outcomes
    assert bench.tags("api")[SPEC] == before


def test_somebody_who_writes_tags_without_end_keeps_a_secret_unfinished_which_is_said_and_passes_with_it(
    bench: Bench, interruption: Interruption
) -> None:
    spec = bench.spec(bench.declared(policy=(TLS_ONLY,), tags={"Team": "orders"}))
    mark = f"commit {bench.name('api')}"

    def write(operation: str) -> None:
        if operation in {"DescribeSecret", "TagResource", "UntagResource"} and mark_is_there():
            bench.secrets.tag_resource(SecretId=bench.name("api"), Tags=[{"Key": "Team", "Value": operation}])

    def mark_is_there() -> bool:
        return bool(bench.secrets.list_secrets(Filters=[{"Key": "name", "Values": [bench.name("api")]}])["SecretList"])

    for _ in range(3):
        interruption.before = write
        outcome = bench.provision(spec, interruption=interruption)[mark]
        assert isinstance(outcome, Skipped)
        assert re.fullmatch("not finished: tag Team differs: '.*' → 'orders'", outcome.reason)
        assert "somebody changed it during this run: run again, when nobody else writes it" in outcome.remedy
    bench.provision(spec)
    settled = bench.provision(spec)
    assert mark not in settled
    assert not any(isinstance(outcome, Applied | Skipped) for outcome in settled.values())
    assert bench.tags("api")["Team"] == "orders"


def test_a_part_that_somebody_changes_right_before_the_mark_keeps_it_from_being_written(
    bench: Bench, interruption: Interruption
) -> None:
    spec = bench.spec(bench.declared(policy=(TLS_ONLY,)))
    put = False

    def interfere(operation: str) -> None:
        nonlocal put
        if operation == "DescribeSecret" and put:
            bench.secrets.update_secret(SecretId=bench.name("api"), Description="theirs")
        put = operation == "PutResourcePolicy"

    interruption.before = interfere
    outcome = bench.provision(spec, interruption=interruption)[f"commit {bench.name('api')}"]
    assert isinstance(outcome, Skipped)
    assert outcome.reason.startswith("not finished: description")
    context = bench.context(spec)
    state = context.observed.secrets.get(bench.name("api"))
    assert state is not None
    assert context.ownership.marks.verify(state).state is MarkState.UNFINISHED


def refuse(operation: str) -> None:
    if operation == "TagResource":
        raise ReadTimeoutError(endpoint_url="http://127.0.0.1")


def test_what_others_did_since_the_plan_keeps_a_secret_from_being_marked(bench: Bench) -> None:
    before = {
        "gone": "is not finished yet",
        "theirs": f"secret {bench.name('theirs')} is not ours",
        "gone-later": "is not visible yet",
        "theirs-later": f"secret {bench.name('theirs-later')} is not ours any more",
        "taken-later": "another run changes it at the same time",
    }
    bench.create(*map(bench.declared, before))
    spec = bench.spec(*(bench.declared(key, recovery_window_in_days=7) for key in before))
    context, another = bench.context(spec), bench.context(spec)
    reconciler = commit(context)
    changes = reconciler.plan()
    assert {(one.action, one.resource) for one in changes} == {
        (ChangeClass.UPDATE, Resource("commit", bench.name(key), "secrets", key)) for key in before
    }
    for key in before:
        # What the run has looked at before, it looks at once more right before the mark.
        if key.endswith("-later"):
            assert context.observed.secrets.confirm(bench.name(key))
        if key.startswith("gone"):
            bench.secrets.delete_secret(SecretId=bench.name(key), ForceDeleteWithoutRecovery=True)
        elif key.startswith("theirs"):
            bench.secrets.tag_resource(SecretId=bench.name(key), Tags=[{"Key": STACK, "Value": "other-dev"}])
        else:
            state = another.observed.secrets.refresh(bench.name(key))
            assert state is not None
            withdraw_digest(another, state, Part.ROTATION)
    marked = bench.tags("theirs-later")[SPEC]
    outcomes = bench.run(reconciler, changes)
    assert {one.change.resource.key: one.reason for one in outcomes.values() if isinstance(one, Skipped)} == before
    assert bench.tags("theirs-later")[SPEC] == marked
    state = another.observed.secrets.refresh(bench.name("taken-later"))
    assert state is not None
    assert another.ownership.marks.verify(state).state is MarkState.UNFINISHED
    # What no call shows yet is still to be marked.
    left = {change.resource.key for change in reconciler.plan()}
    assert ("gone-later" in left, "gone" in left) == (True, False)


def test_a_secret_that_an_earlier_run_made_is_looked_at_before_it_is_marked(
    bench: Bench, interruption: Interruption
) -> None:
    role = "arn:aws:iam::111122223333:role/rotation"
    invoked_by = ("secretsmanager.amazonaws.com",)
    stand_in(
        bench.aws,
        [StandInRole(role, "lambda.amazonaws.com"), StandInFunction(bench.stack, role, invoked_by=invoked_by)],
    )
    function = f"arn:aws:lambda:{bench.aws.region}:{bench.aws.account_id}:function:{bench.stack}"
    turning = RotationSpec(lambda_arn=Literal(function), automatically_after_days=30)
    spec = bench.spec(bench.generated(policy=(TLS_ONLY,), rotation=turning))
    bench.provision(spec, "secrets")
    others = bench.context(spec)

    def somebody_else(operation: str) -> None:
        state = others.observed.secrets.refresh(bench.name("password")) if operation == "RotateSecret" else None
        if state is not None:
            withdraw_digest(others, state, Part.POLICY)

    interruption.after = somebody_else
    bench.provision(spec, interruption=interruption)
    context = bench.context(spec)
    state = context.observed.secrets.get(bench.name("password"))
    assert state is not None
    assert context.ownership.marks.verify(state).state is MarkState.UNFINISHED


def test_the_whole_creation_costs_four_calls_a_secret_beside_the_list(bench: Bench) -> None:
    spec = bench.spec(*(bench.declared(f"n{number}", policy=(TLS_ONLY,)) for number in range(10)))
    context = bench.context(spec)
    bench.reset_calls()
    for stage in STAGES.values():
        bench.run(stage(context))
    bench.run(commit(context))
    written = {one: count for one, count in bench.calls().items() if one != "ListSecrets"}
    assert written == {"CreateSecret": 10, "PutResourcePolicy": 10, "DescribeSecret": 10, "TagResource": 10}
    assert bench.calls()["ListSecrets"] <= 2
