"""Credentials of another account than the stack's stop everything before the first write, whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Failed
from secrets_pipeline.errors import GuardError
from secrets_pipeline.references.model import Output
from tests.applying import apply_stack

if TYPE_CHECKING:
    from tests.bench import Bench

ELSEWHERE = "999988887777"


def elsewhere(spec: StackSpec) -> StackSpec:
    """The same stack, expected in an account that nobody has credentials of."""
    return spec.model_copy(update={"target": spec.target.model_copy(update={"account_id": ELSEWHERE})})


def other_services(bench: Bench) -> set[str]:
    return {call.service for call in emulator.calls(bench.aws)} - {"sts"}


def test_no_stack_of_another_account_can_be_had_and_nothing_but_who_we_are_is_asked(bench: Bench) -> None:
    spec = elsewhere(bench.spec(bench.generated(), keys=(bench.key(),), databases=(bench.database(),)))
    bench.reset_calls()
    with pytest.raises(GuardError, match=f"belongs to account {ELSEWHERE}"):
        bench.context(spec)
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
    for ask in (
        lambda: bench.service_keys(spec, settings=lost),
        lambda: bench.context(spec, settings=lost).ownership.fingerprinter,
    ):
        with pytest.raises(GuardError, match="carries a mark of this pipeline"):
            ask()
    aliases = bench.kms.get_paginator("list_aliases").paginate().search("Aliases[].AliasName")
    assert lost.fingerprint_key not in set(aliases)


def test_a_new_stack_makes_no_new_fingerprint_key_where_another_one_of_the_repository_has_lost_it(bench: Bench) -> None:
    old, new = bench.create(bench.declared()), bench.another()
    settings = OperatorSettings(fingerprint_key=f"alias/{new.stack}-lost", seal_key=f"alias/{new.stack}-seal")
    spec = new.spec(new.declared())
    with pytest.raises(GuardError, match=f"{bench.name('api')} carries a mark of this pipeline"):
        new.service_keys(spec, old, settings=settings)
    aliases = set(bench.kms.get_paginator("list_aliases").paginate().search("Aliases[].AliasName"))
    assert not {settings.fingerprint_key, settings.seal_key} & aliases
    # Another repository in the account may have a key of its own.
    assert new.context(spec, settings=settings).ownership.fingerprinter is not None
