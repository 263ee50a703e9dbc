"""Credentials of another account than the stack's stop everything before the first write, whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.desired.settings.operator import EventSettings, OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Failed
from secrets_pipeline.errors import GuardError
from secrets_pipeline.operations.stages import STAGES, apply_stack, commit, plan_stack
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords
from secrets_pipeline.reconcilers.stack import StackContext
from secrets_pipeline.references.model import Output

if TYPE_CHECKING:
    from tests.bench import Bench

ELSEWHERE = "999988887777"


def elsewhere(spec: StackSpec) -> StackSpec:
    """The same stack, expected in an account that nobody has credentials of."""
    return spec.model_copy(update={"target": spec.target.model_copy(update={"account_id": ELSEWHERE})})


def other_services(bench: Bench) -> set[str]:
    return {call.service for call in emulator.calls(bench.aws)} - {"sts"}


def refused(work: Callable[[StackContext], Any], context: StackContext) -> Iterator[BaseException | None]:
    """What work says of the account; a reconciler may say it of each of its resources."""
    try:
        changes = work(context)
    except GuardError as refusal:
        yield refusal
    else:
        yield from (change.error for change in changes)


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(apply_stack, id="apply_stack"),
        pytest.param(plan_stack, id="plan_stack"),
        pytest.param(generate_passwords, id="generate_passwords"),
        pytest.param(lambda context: context.guard(), id="guard"),
        pytest.param(lambda context: context.service_keys, id="service_keys"),
        pytest.param(lambda context: context.fingerprinter, id="fingerprinter"),
        pytest.param(lambda context: context.inventory.secrets(), id="inventory"),
        *(pytest.param(lambda context, make=make: make(context).plan(), id=name) for name, make in STAGES.items()),
        pytest.param(lambda context: commit(context).plan(), id="commit"),
    ],
)
def test_nothing_but_who_we_are_is_asked(bench: Bench, work: Callable[[StackContext], Any]) -> None:
    spec = elsewhere(
        bench.spec(
            bench.generated("password", fields={"engine": "postgres"}),
            keys=(bench.key(),),
            databases=(bench.database(),),
        )
    )
    events = EventSettings(queue="wrong-account", region=bench.aws.region)
    context = bench.context(spec, settings=OperatorSettings(events=events))
    bench.reset_calls()
    refusals = list(refused(work, context))
    assert refusals
    assert all(f"belongs to account {ELSEWHERE}" in str(refusal) for refusal in refusals)
    assert other_services(bench) == set()


def test_a_reference_to_a_stack_in_another_account_reads_nothing_there_and_fails_alone(bench: Bench) -> None:
    theirs = bench.another()
    other = theirs.create(theirs.generated("token"))
    token = Output("secrets", ("secret_values", "token"), theirs.stack)
    ours = bench.spec(bench.declared("alone", "value"), bench.declared("reader", token))
    bench.reset_calls()
    outcomes = {
        outcome.change.resource.name: outcome
        for outcome in apply_stack(bench.context(ours, elsewhere(other)))["secrets"]
    }
    assert isinstance(outcomes[bench.name("alone")], Applied)
    failed = outcomes[bench.name("reader")]
    assert isinstance(failed, Failed)
    assert f"stack {theirs.stack} belongs to account {ELSEWHERE}" in str(failed.error)
    assert bench.calls()["GetSecretValue"] == 0
    assert bench.calls()["CreateSecret"] == 1


def test_the_same_reference_works_with_the_right_credentials(bench: Bench) -> None:
    theirs = bench.another()
    other = theirs.create(theirs.generated("token"))
    token = Output("secrets", ("secret_values", "token"), theirs.stack)
    ours = bench.spec(bench.declared("reader", token))
    apply_stack(bench.context(ours, other))
    assert bench.value("reader") == theirs.value("token")


def test_a_lost_fingerprint_key_is_not_replaced_while_secrets_carry_its_marks(bench: Bench) -> None:
    spec = bench.spec(bench.declared())
    bench.provision(spec)
    lost = OperatorSettings(fingerprint_key=f"alias/{bench.stack}-lost")
    for asked in ("service_keys", "fingerprinter"):
        with pytest.raises(GuardError, match="carries a mark of this pipeline"):
            getattr(bench.context(spec, settings=lost), asked)
    aliases = bench.kms.get_paginator("list_aliases").paginate().search("Aliases[].AliasName")
    assert lost.fingerprint_key not in set(aliases)


def test_a_new_stack_makes_no_new_fingerprint_key_where_another_one_of_the_repository_has_lost_it(bench: Bench) -> None:
    old, new = bench.create(bench.declared()), bench.another()
    settings = OperatorSettings(fingerprint_key=f"alias/{new.stack}-lost", seal_key=f"alias/{new.stack}-seal")
    spec = new.spec(new.declared())
    with pytest.raises(GuardError, match=f"{bench.name('api')} carries a mark of this pipeline"):
        _ = new.context(spec, old, settings=settings).service_keys
    aliases = set(bench.kms.get_paginator("list_aliases").paginate().search("Aliases[].AliasName"))
    assert not {settings.fingerprint_key, settings.seal_key} & aliases
    # Another repository in the account may have a key of its own.
    assert new.context(spec, settings=settings).fingerprinter is not None
