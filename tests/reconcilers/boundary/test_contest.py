"""Of a name that two stacks declare only that one thing is blocked, and the stack that AWS has it of goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.boundary import Contested, ContestedKind
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Outcome, Skipped, Unchanged
from tests.applying import apply_stack

if TYPE_CHECKING:
    from tests.bench import Bench


def contested(
    kind: ContestedKind, name: str, *, account_id: str | None = None, owners: tuple[str, ...] = ()
) -> tuple[Contested, ...]:
    more = {"account_id": account_id, "owners": owners}
    return (Contested.model_validate({"kind": kind, "name": name, "stacks": ("evil-dev",), "where": "x.yaml", **more}),)


def applied(bench: Bench, spec: StackSpec) -> dict[str, Outcome]:
    """Apply a whole stack, guard and all; outcomes by kind and name."""
    done = apply_stack(bench.context(spec))
    return {f"{one.change.resource.kind} {one.change.resource.name}": one for some in done.values() for one in some}


def open_ones(outcomes: dict[str, Outcome]) -> set[str]:
    return {name for name, one in outcomes.items() if not isinstance(one, Applied | Unchanged)}


def test_a_contested_secret_is_the_stacks_whose_mark_it_bears(bench: Bench) -> None:
    spec, name = bench.create(bench.declared(), bench.declared("own")), bench.name("api")
    first = spec.model_copy(update={"contested": contested(ContestedKind.SECRET, name)})
    assert not open_ones(applied(bench, first))
    outcomes = applied(bench, first.model_copy(update={"stack": "evil-dev"}))
    assert f"belongs to stack {bench.stack}" in str(outcomes[f"secret {name}"])
    assert bench.value("api") == "declared"


def test_a_contested_secret_that_nobody_has_made_yet_is_blocked_and_the_others_are_made(bench: Bench) -> None:
    found = contested(ContestedKind.SECRET, bench.name("api"))
    outcomes = applied(bench, bench.spec(bench.declared(), bench.declared("own"), contested=found))
    blocked = outcomes[f"secret {bench.name('api')}"]
    assert isinstance(blocked, Skipped)
    assert "is declared by stack evil-dev too, and no mark says that it is this stack's" in blocked.reason
    assert isinstance(outcomes[f"secret {bench.name('own')}"], Applied)
    with pytest.raises(bench.secrets.exceptions.ResourceNotFoundException):
        bench.secrets.describe_secret(SecretId=bench.name("api"))


def test_a_contested_secret_is_made_by_the_stack_that_it_is_named_after(bench: Bench) -> None:
    found = contested(ContestedKind.SECRET, bench.name("api"), owners=(bench.stack,))
    assert not open_ones(applied(bench, bench.spec(bench.declared(), contested=found)))


def test_a_name_that_is_contested_in_another_account_blocks_nothing(bench: Bench) -> None:
    found = contested(ContestedKind.SECRET, bench.name("api"), account_id="444455556666")
    assert not open_ones(applied(bench, bench.spec(bench.declared(), contested=found)))


def test_a_contested_database_is_the_stacks_that_made_it(bench: Bench) -> None:
    spec = bench.create(bench.generated(), databases=(bench.database(),))
    first = spec.model_copy(update={"contested": contested(ContestedKind.DATABASE, bench.stack)})
    assert not open_ones(applied(bench, first))
    evil = first.model_copy(update={"stack": "evil-dev", "secrets": (), "databases": (bench.database(password=None),)})
    bench.reset_calls()
    assert f"belongs to stack {bench.stack}" in str(applied(bench, evil)[f"database {bench.stack}"])
    assert not {one for one in bench.writes() if "DB" in one}


def test_a_contested_database_that_nobody_has_made_yet_is_made_by_nobody(bench: Bench) -> None:
    found = contested(ContestedKind.DATABASE, bench.stack)
    outcomes = applied(bench, bench.spec(bench.generated(), databases=(bench.database(),), contested=found))
    assert isinstance(outcomes[f"secret {bench.name('password')}"], Applied)
    assert "is declared by stack evil-dev too" in str(outcomes[f"database {bench.stack}"])
    assert "CreateDBInstance" not in bench.writes()


def test_a_contested_key_is_the_stacks_whose_mark_bears_the_key_that_the_alias_leads_to(bench: Bench) -> None:
    keys, found = (bench.key(),), contested(ContestedKind.KEY, bench.alias)
    spec, evil = bench.spec(bench.declared(), keys=keys, contested=found), bench.another()
    second = evil.spec(keys=keys, contested=found)
    for one, desired in ((bench, spec), (evil, second)):
        assert "is declared by stack evil-dev too" in str(applied(one, desired)[f"kms-key {bench.alias}"])
    bench.create(bench.declared(), keys=keys)
    assert not open_ones(applied(bench, spec))
    assert f"belongs to stack {bench.stack}" in str(applied(evil, second)[f"kms-key {bench.alias}"])
    made = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyId"]
    bench.kms.delete_alias(AliasName=bench.alias)
    # The mark of the key stays, so that nobody stops its stack by declaring the alias.
    assert "is declared by stack evil-dev too" in str(applied(evil, second)[f"kms-key {bench.alias}"])
    assert not open_ones(applied(bench, spec))
    assert bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyId"] == made
