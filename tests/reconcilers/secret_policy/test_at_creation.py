"""The policy of a new secret: put right behind its creation, told by the stage of policies, read where nobody knows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ReadTimeoutError

from secrets_pipeline.emulator import (
    FaultAction,
    InjectedFault,
    Pace,
    arm,
    freeze_lists,
    reset_conditions,
    set_pace,
    thaw_lists,
)
from secrets_pipeline.engine.model import Applied, ChangeClass, Failed, Unchanged
from secrets_pipeline.operations.as_declared import as_declared
from secrets_pipeline.operations.stages import STAGES, commit
from secrets_pipeline.reconcilers.finding import Verdict
from tests.reconcilers.secret_policy.test_reconciler import STAGE, policy, statement

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec
    from tests.bench import Bench, Interruption

URL = "postgresql://owner:${output.secrets.generated_passwords.password}@db/orders"


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    return bench.spec(bench.declared(policy=(statement(),)))


def test_a_new_secret_has_its_policy_and_its_mark_before_the_next_stage_which_tells_it_without_a_call(
    bench: Bench, spec: StackSpec
) -> None:
    context = bench.context(spec)
    bench.run(STAGES["secrets"](context))
    bench.reset_calls()
    reconciler = STAGES[STAGE](context)
    (change,) = reconciler.plan()
    assert (change.action, change.reason) == (ChangeClass.CREATE, "follows the secret")
    outcome = bench.run(reconciler, [change])[bench.name("api")]
    assert isinstance(outcome, Applied)
    assert outcome.detail == "1 statement"
    assert bench.run(commit(context)) == {}
    assert [one.verdict for one in as_declared(context, STAGE, deep=False)] == [Verdict.RIGHT]
    assert bench.calls() == {}
    assert policy(bench) == {"Version": "2012-10-17", "Statement": [statement()]}
    assert {type(one) for one in bench.provision(spec, "secrets", STAGE).values()} == {Unchanged}


def test_what_the_run_still_has_to_read_gets_its_policy_afterwards(bench: Bench) -> None:
    master = bench.generated(policy=(statement(),))
    rendered = bench.declared("url", URL, depends_on=(bench.ref("password"),), policy=(statement(),))
    late = bench.generated("late", fields={"host": "${output.rds.address}"}, needs_endpoint=True, policy=(statement(),))
    plain = bench.declared(policy=(statement(),))
    for spec, put in (
        (bench.spec(master, databases=(bench.database(),)), 0),
        (bench.another().spec(master, rendered), 1),
        (bench.another().spec(late, plain), 1),
    ):
        bench.reset_calls()
        bench.provision(spec, "secrets")
        assert bench.calls()["PutResourcePolicy"] == put
        for secret in spec.secrets:
            bench.secrets.delete_secret(SecretId=secret.name, ForceDeleteWithoutRecovery=True)


def test_a_policy_that_was_refused_at_creation_is_tried_again_by_its_stage_which_fails_with_it(
    bench: Bench, spec: StackSpec
) -> None:
    refused = InjectedFault(FaultAction.DENY, service="secretsmanager", operation="PutResourcePolicy")
    arm(bench.aws, refused)
    outcomes = bench.provision(spec)
    assert isinstance(outcomes[f"secrets {bench.name('api')}"], Applied)
    assert isinstance(outcomes[f"{STAGE} {bench.name('api')}"], Applied)
    other = bench.spec(bench.declared("other", policy=(statement(),)))
    arm(bench.aws, refused, replace(refused, at=2))
    outcome = bench.provision(other)[f"{STAGE} {bench.name('other')}"]
    assert isinstance(outcome, Failed)
    assert "PutResourcePolicy" in str(outcome.error)


@pytest.mark.parametrize("performed", [True, False])
def test_a_policy_whose_acknowledgement_was_lost_is_read(
    bench: Bench, spec: StackSpec, interruption: Interruption, performed: bool
) -> None:
    lost = 0

    def lose(operation: str) -> None:
        nonlocal lost
        if operation == "PutResourcePolicy" and not lost:
            lost += 1
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1")

    if performed:
        interruption.after = lose
    else:
        interruption.before = lose
    bench.reset_calls()
    outcome = bench.provision(spec, interruption=interruption)[f"{STAGE} {bench.name('api')}"]
    assert isinstance(outcome, Unchanged if performed else Applied)
    assert (bench.calls()["GetResourcePolicy"], bench.calls()["PutResourcePolicy"]) == (1, 1)
    assert policy(bench) is not None
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_of_a_secret_that_turns_out_to_be_another_runs_the_policy_is_put_again(
    bench: Bench, spec: StackSpec, interruption: Interruption, killed: type[BaseException]
) -> None:
    freeze_lists(bench.aws)
    interruption.kill_after("PutResourcePolicy")
    try:
        with pytest.raises(killed):
            bench.provision(spec, interruption=interruption)
        bench.secrets.delete_resource_policy(SecretId=bench.name("api"))
        bench.reset_calls()
        # The lists do not show the secret, so its creation is tried again, and AWS takes the same token.
        bench.provision(spec)
        assert bench.calls()["CreateSecret"] == 1
        assert bench.calls()["PutResourcePolicy"] == 2
    finally:
        thaw_lists(bench.aws)
    assert policy(bench) is not None


def test_a_principal_that_is_not_there_holds_up_no_creation(bench: Bench) -> None:
    nobody = statement(Effect="Allow", Principal={"AWS": f"arn:aws:iam::{bench.aws.account_id}:role/nobody"})
    spec = bench.spec(bench.declared(policy=(nobody,)))
    set_pace(bench.aws, Pace(seconds={"CreateRole to policies that name the role": 0.001}))
    try:
        bench.reset_calls()
        assert isinstance(bench.provision(spec, "secrets")[f"secrets {bench.name('api')}"], Applied)
        assert bench.calls()["PutResourcePolicy"] == 1
        assert policy(bench) is None
    finally:
        reset_conditions(bench.aws)
