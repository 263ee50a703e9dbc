"""Secrets: created in one call, described and tagged without touching the value, planned without reading it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.consumer.model import LambdaDelivery
from secrets_pipeline.engine.model import Applied, ChangeClass, Skipped, Unchanged
from secrets_pipeline.operations.stages import STAGES, plan_stack
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.marks.secret_mark import MarkState
from secrets_pipeline.reconcilers.tag_keys import COMPONENT, INPUTS, KEY, STACK
from tests.bench import said
from tests.statements import TLS_ONLY

if TYPE_CHECKING:
    from tests.bench import Bench, Interruption

READS = ("Describe", "List", "Get")


def test_a_secret_is_created_by_one_call_with_its_identity_and_a_provisional_mark(bench: Bench) -> None:
    # The first stack of an account looks for marks once more, before it makes the key of fingerprints.
    bench.provision(bench.spec(bench.generated("before")), "secrets")
    master = bench.generated(description="master", tags={"Team": "orders"}, policy=(TLS_ONLY,))
    spec = bench.spec(master, databases=(bench.database(),))
    bench.reset_calls()
    outcome = bench.provision(spec, "secrets")[f"secrets {bench.name('password')}"]
    assert bench.calls() == {"ListSecrets": 2, "CreateSecret": 1}
    assert isinstance(outcome, Applied)
    assert outcome.detail == "generated password"
    tags = bench.tags("password")
    assert (tags[STACK], tags[COMPONENT], tags[KEY]) == (bench.stack, "secrets", "password")
    assert tags["Team"] == "orders"
    assert bench.written("password") == bench.current("password")
    assert INPUTS not in tags
    context = bench.context(spec)
    state = context.observed.secrets.get(bench.name("password"))
    assert state is not None
    assert context.ownership.marks.verify(state).state is MarkState.UNFINISHED
    assert len(bench.value("password")) == 24


def test_a_finished_secret_is_unchanged_and_the_mark_is_final(bench: Bench) -> None:
    spec = bench.create(bench.generated(), bench.declared())
    context = bench.context(spec)
    state = context.observed.secrets.get(bench.name("api"))
    assert state is not None
    assert context.ownership.marks.verify(state).state is MarkState.FINISHED
    bench.reset_calls()
    assert {type(outcome) for outcome in bench.provision(spec).values()} == {Unchanged}
    assert bench.calls() == {"ListSecrets": 1}


def test_a_secret_without_its_generated_password_is_skipped_and_says_what_to_materialise(bench: Bench) -> None:
    spec = bench.spec(bench.generated(), bench.declared())
    context = bench.context(spec)
    outcomes = bench.run(STAGES["secrets"](context))
    skipped = outcomes[bench.name("password")]
    assert isinstance(skipped, Skipped)
    assert "materialise generated_passwords too" in skipped.reason
    assert isinstance(outcomes[bench.name("api")], Applied)


def test_a_secret_that_waits_is_skipped_and_so_is_what_is_rendered_from_it(bench: Bench) -> None:
    first = bench.declared("first", "${output.worker.function_arn}")
    second = bench.declared("second", "${output.secrets.secret_values.first}", depends_on=(bench.ref("first"),))
    deliveries = (LambdaDelivery(component="worker", deliver=False, function_name=bench.stack, environment={}),)
    outcomes = bench.provision(bench.spec(first, second, deliveries=deliveries), "secrets")
    one, two = outcomes[f"secrets {first.name}"], outcomes[f"secrets {second.name}"]
    assert isinstance(one, Skipped)
    assert "does not exist yet" in one.reason
    assert isinstance(two, Skipped)
    assert two.reason == f"needs secret {first.name}, which was skipped"


def test_a_secret_that_moves_to_another_component_is_marked_again_in_one_call_that_may_be_the_last(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    bench.create(bench.generated(tags={"Team": "orders"}))
    version = bench.current("password")
    moved = bench.generated(tags={"Team": "orders"}).model_copy(
        update={"ref": bench.ref("password").model_copy(update={"component": "secrets/new"})}
    )
    spec = bench.spec(moved, components={"secrets/new": "secretsmanager"})

    interruption.kill_after("TagResource")
    bench.reset_calls()
    with pytest.raises(killed):
        bench.provision(spec, "secrets", interruption=interruption)
    assert {one: n for one, n in bench.calls().items() if not one.startswith(READS)} == {"TagResource": 1}
    assert bench.tags("password")[COMPONENT] == "secrets/new"
    assert bench.plan(spec)[bench.name("password")].action is ChangeClass.NONE
    assert isinstance(bench.provision(spec)[f"commit {bench.name('password')}"], Applied)
    assert bench.current("password") == version


def test_description_and_tags_are_repaired_without_touching_the_value(bench: Bench) -> None:
    spec = bench.create(bench.generated(description="ours", tags={"Team": "orders"}))
    version, value = bench.current("password"), bench.value("password")
    bench.secrets.update_secret(SecretId=bench.name("password"), Description="theirs")
    bench.secrets.tag_resource(
        SecretId=bench.name("password"), Tags=[{"Key": "Team", "Value": "x"}, {"Key": "Theirs", "Value": "y"}]
    )
    change = bench.plan(spec)[bench.name("password")]
    assert change.drift
    assert said(change) == (
        "changed outside: description differs: 'theirs' → 'ours'",
        "changed outside: tag Team differs: 'x' → 'orders'",
    )
    bench.reset_calls()
    bench.provision(spec, "secrets")
    written = {one for one in bench.calls() if not one.startswith(READS)}
    assert written == {"UpdateSecret", "TagResource"}
    assert {bench.tags("password")[key] for key in ("Team", "Theirs")} == {"orders", "y"}
    assert bench.calls()["GetSecretValue"] == 0
    assert (bench.value("password"), bench.current("password"), bench.versions("password")) == (value, version, 1)
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_change_in_the_yaml_is_no_drift(bench: Bench) -> None:
    bench.create(bench.generated(description="old"))
    change = bench.plan(bench.spec(bench.generated(description="new")))[bench.name("password")]
    assert not change.drift
    assert said(change) == ("description differs: 'old' → 'new'",)


def test_a_plan_of_a_hundred_and_twenty_secrets_costs_at_most_three_calls_and_reads_no_value(bench: Bench) -> None:
    secrets = [bench.declared(f"n{number:03}", policy=(TLS_ONLY,)) for number in range(120)]
    spec = bench.create(*secrets)
    context = bench.context(spec, writing=False)
    bench.reset_calls()
    changes = [change for stages in plan_stack(context).values() for change in stages]
    assert {change.action for change in changes} == {ChangeClass.NONE}
    assert set(bench.calls()) == {"ListSecrets"}
    assert bench.calls().total() <= 3


def test_the_same_name_listed_for_another_stack_with_a_longer_name_is_not_ours(bench: Bench) -> None:
    # ListSecrets matches tag values by prefix.
    spec = bench.create(bench.declared())
    longer = spec.model_copy(update={"stack": f"{bench.stack}-two", "secrets": (bench.declared("two"),)})
    assert isinstance(bench.provision(longer)[f"secrets {bench.name('two')}"], Applied)
    context = bench.context(spec, options=ApplyOptions(prune=True))
    assert [change.resource.name for change in STAGES["secrets"](context).plan()] == [bench.name("api")]
    state = context.observed.secrets.get(bench.name("api"))
    assert state is not None
    assert replace(state, confirmed=True, replicas={}) == context.observed.secrets.confirm(bench.name("api"))
