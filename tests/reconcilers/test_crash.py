"""A run killed at any call, followed by a second one, ends as one clean run does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Unchanged
from secrets_pipeline.reconcilers.tag_keys import SPEC
from tests.statements import TLS_ONLY
from tests.sweep import DAYS, turn

if TYPE_CHECKING:
    from tests.bench import Bench, Interruption


@dataclass(frozen=True)
class Ending:
    """What must not depend on where a run was killed."""

    keys: int
    versions: tuple[int, ...]
    values: tuple[str, ...]
    marks: tuple[bool, ...]
    policies: tuple[bool, ...]
    parameters: int


def before(bench: Bench) -> StackSpec:
    return bench.spec(
        bench.generated("kept"),
        bench.declared("first", "one"),
        bench.declared("second", "<${output.secrets.secret_values.first}>", depends_on=(bench.ref("first"),)),
    )


def after(bench: Bench) -> StackSpec:
    """One moves component and key, one changes its value and gets a policy, one follows that value, one is new."""
    bench.yaml["first",] = "two"
    under: Any = bench.late("${output.kms.key_arn}")
    kept = bench.generated("kept", kms_key=under, description="moved", tags={"Team": "orders"})
    moved = kept.model_copy(update={"ref": kept.ref.model_copy(update={"component": "secrets/new"})})
    components = {"secrets": "secretsmanager", "secrets/new": "secretsmanager", "kms": "kms"}
    _, _, second = before(bench).secrets
    first = bench.declared("first", "two", policy=(TLS_ONLY,))
    return bench.spec(
        moved, first, second, bench.generated("new", kms_key=under), keys=(bench.key(),), components=components
    )


def keys_of(bench: Bench) -> int:
    return len(list(bench.kms.get_paginator("list_keys").paginate().search("Keys[]")))


def ending(bench: Bench, spec: StackSpec, kept: str, keys_before: int) -> Ending:
    context = bench.context(spec)
    states = [context.observed.secrets.get(secret.name) for secret in spec.secrets]
    keys = [secret.ref.key for secret in spec.secrets]
    tags = {key: bench.tags(key) for key in keys}
    assert bench.value("kept") == kept
    assert all(bench.written(key) == bench.current(key) for key in keys)
    assert all(SPEC in tags[key] for key in keys)
    return Ending(
        keys=keys_of(bench) - keys_before,
        versions=tuple(bench.versions(key) for key in keys),
        values=tuple(bench.value(key) for key in ("first", "second")),
        marks=tuple(state is not None and context.ownership.marks.verify(state).commit is not None for state in states),
        policies=tuple("ResourcePolicy" in bench.secrets.get_resource_policy(SecretId=s.name) for s in spec.secrets),
        parameters=len(
            bench.ssm.get_parameters_by_path(Path=f"/secrets-pipeline/{bench.stack}/", Recursive=True)["Parameters"]
        ),
    )


CLEAN = Ending(1, (2, 2, 2, 1), ("two", "<two>"), (True,) * 4, (False, True, False, False), 2)


def boundaries_of_a_clean_run(bench: Bench, interruption: Interruption) -> range:
    """Every call has two: before it and after it."""
    bench.provision(before(bench))
    kept, spec, keys = bench.value("kept"), after(bench), keys_of(bench)
    passed: list[str] = []
    interruption.before = interruption.after = passed.append
    bench.provision(spec, interruption=interruption)
    assert ending(bench, spec, kept, keys) == CLEAN
    return range(len(passed))


def test_wherever_a_run_is_killed_the_next_one_ends_as_a_clean_one_does(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    boundaries = boundaries_of_a_clean_run(bench, interruption)
    assert len(boundaries) > 90
    # An odd number of turns meets both kinds in each.
    taken = turn(boundaries)
    assert len(taken) >= len(boundaries) // DAYS
    for boundary in taken:
        own = bench.another()
        own.provision(before(own))
        kept, spec, keys = own.value("kept"), after(own), keys_of(own)
        interruption.kill_at(boundary)
        with pytest.raises(killed):
            own.provision(spec, interruption=interruption)
        own.provision(spec)
        assert ending(own, spec, kept, keys) == CLEAN, f"killed at boundary {boundary}"
        assert {type(one) for one in own.provision(spec).values()} == {Unchanged}, f"killed at boundary {boundary}"


def test_a_run_killed_while_it_creates_stores_each_password_once(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    for operation in ("CreateSecret", "TagResource"):
        own = bench.another()
        spec = own.spec(own.generated())

        interruption.kill_after(operation)
        with pytest.raises(killed):
            own.provision(spec, interruption=interruption)
        stored = own.value("password")
        own.provision(spec)
        assert (own.value("password"), own.versions("password")) == (stored, 1)
