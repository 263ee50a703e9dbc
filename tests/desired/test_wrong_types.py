"""A value of another type, at each place of stacks that use everything: an error of ours that says something."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from secrets_pipeline.desired.outputs import OUTPUTS
from secrets_pipeline.desired.reading.scope import Locate
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule
from secrets_pipeline.errors import InternalError, SecretsPipelineError
from secrets_pipeline.stacks import AtmosRepository, AtmosStack
from tests.desired.conftest import Bench
from tests.desired.one_stack import build_spec
from tests.grants import TRUSTED
from tests.sweep import SEED, size

ROOT: Final = Path(__file__).parents[2]
SETTINGS: Final = OperatorSettings(grants=TRUSTED, targets=(TargetRule(stacks="*", account_id="111122223333"),))
OTHERS: Final[tuple[object, ...]] = (
    None, True, 7, -1.5, 10**20, "", "x", "*", "${output.nowhere.x}", "${metadata}", [], ["x"], [["x"]], [{"a": 1}], {},
    {"x": None}, {"x": "y"}, {"x": {"y": ["z"]}},
)  # fmt: skip
Place = tuple[str | int, ...]


def places(value: object, at: Place = ()) -> Iterator[Place]:
    """Every place inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*at, key)
        yield from places(one, (*at, key))


def put(value: Any, at: Place, new: object) -> Any:  # noqa: ANN401 - YAML of any shape
    """The value with another one at a place."""
    if not at:
        return new
    copy = value.copy()
    copy[at[0]] = put(value[at[0]], at[1:], new)
    return copy


def mistakes(stack: AtmosStack) -> list[tuple[str, Place, object]]:
    """Component, place and the value that is to stand there: everything that can be of another type."""
    return [
        (name, (section, *at), other)
        for name, component in stack.components["terraform"].items()
        for section in ("vars", "settings", "metadata")
        for at in places(component.resolved.get(section))
        for other in OTHERS
    ]


def mistaken(stack: AtmosStack, name: str, at: Place, other: object) -> AtmosStack:
    """The stack with one value replaced."""
    components = stack.components["terraform"]
    changed = replace(components[name], resolved=put(components[name].resolved, at, other))
    return replace(stack, components={"terraform": {**components, name: changed}})


def errors_of(
    stack: AtmosStack, locate: Locate, stacks: Mapping[str, AtmosStack], case: object
) -> tuple[SecretsPipelineError, ...]:
    """The errors of ours; anything else is raised, with what was done beside it."""
    try:
        build_spec(stack, locate, SETTINGS, stacks=stacks)
    except SecretsPipelineError as error:
        return getattr(error, "errors", (error,))
    except Exception as error:
        error.add_note(repr(case))
        raise
    return ()


@pytest.mark.parametrize(
    ("repository", "name", "sampled"), [("tests/fixtures/aurora", "shop-dev", 10_000), ("examples", "myapp-prod", 300)]
)
def test_a_value_of_another_type_gives_a_stack_or_errors_of_ours(repository: str, name: str, sampled: int) -> None:
    source = AtmosRepository.open(ROOT / repository, env={})
    stacks = source.resolve().stacks
    cases = mistakes(stacks[name])
    chosen = random.Random(SEED)  # noqa: S311 - of test cases
    taken = chosen.sample(cases, min(size(sampled, len(cases)), len(cases)))
    assert len(taken) >= 300
    refused = 0
    for case in taken:
        stack = mistaken(stacks[name], *case)
        problems = errors_of(stack, source.locate, {**stacks, name: stack}, case)
        assert all(problem.message.strip() for problem in problems), case
        refused += bool(problems)
    assert len(taken) > refused > len(taken) / 10


@pytest.mark.parametrize("secrets", ["x", "7", "[a, b]", "true"])
def test_a_reference_to_a_component_whose_secrets_are_no_map_is_an_error_beside_that_one(
    bench: Bench, secrets: str
) -> None:
    errors = bench.errors(
        f"""\
        components:
          terraform:
            secretsmanager/a: {{vars: {{context_name: a, secrets: {secrets}}}}}
            rds: {{vars: {{password: "${{output.secretsmanager/a.generated_passwords.one}}"}}}}
        """
    )
    assert any("component secretsmanager/a, key vars.secrets" in one for one in errors), errors
    assert any("component secretsmanager/a has no secret with the key one" in one for one in errors), errors


def test_a_key_that_is_named_by_a_reference_to_a_map_is_an_error_of_ours(bench: Bench) -> None:
    found = bench.errors(
        """\
        components:
          terraform:
            secretsmanager/a:
              settings: {secrets_pipeline: {references: tf-atmos}}
              vars: {context_name: a, secrets: {one: {generate_random_password: true, kms_key_id: "${metadata}"}}}
            kms/b: {vars: {alias: alias/b}}
        """
    )
    assert any("component secretsmanager/a, key vars.secrets.one.kms_key_id" in one for one in found), found


REFERRED = """\
name: there
vars: {region: eu-west-2}
components:
  terraform:
    secretsmanager:
      settings: {secrets_pipeline: {references: tf-atmos, self_heal: true}}
      metadata: {component: secretsmanager}
      vars:
        context_name: a
        create_kms_key: true
        secrets: {one: {name: one, username: u, generate_random_password: true}, two: {secret_data: {k: v}}}
    kms: {metadata: {component: kms}, settings: {secrets_pipeline: {self_heal: true}}, vars: {alias: alias/x}}
    rds:
      metadata: {component: rds}
      settings: {secrets_pipeline: {create: false}}
      vars: {identifier: db, engine: aurora-postgresql, username: u}
    lambda:
      metadata: {component: lambda}
      settings: {secrets_pipeline: {deliver: true}}
      vars: {function_name: f, environment_variables: {ARN: "${output.secretsmanager.secret_arns.one}"}}
    ecs:
      metadata: {component: ecs}
      settings: {secrets_pipeline: {deliver: true}}
      vars:
        cluster_name: c
        service_name: s
        container_definitions: [{name: n, secrets: [{name: A, valueFrom: "${output.secretsmanager.secret_arns.one}"}]}]
    apigateway:
      metadata: {component: apigateway}
      settings: {secrets_pipeline: {deliver: true}}
      vars: {api_name: p, stage_name: s, stage_variables: {a: "${output.secretsmanager.secret_arns.two}"}}
"""
HERE = "name: here\nvars: {region: eu-west-2}\ncomponents:\n  terraform:\n"
KEYED_OF_ONE = ("secret_values.one.password", "generated_passwords.one", "secret_arns.one", "secret_versions.two.x")


def referring(stack: str) -> str:
    """A component that takes in every output of the others, once as a whole and once by key."""
    named = [f"{kind}.{output}" for kind, outputs in OUTPUTS.items() for output in sorted(outputs)]
    named += [f"secretsmanager.{one}" for one in KEYED_OF_ONE]
    secrets = {f"s{n}": {"secret_data": f"${{output.{stack}{one}}}"} for n, one in enumerate(named)}
    return f"    secretsmanager/all: {json.dumps({'vars': {'context_name': 'all', 'secrets': secrets}})}\n"


def test_a_component_of_a_wrong_type_is_an_error_of_ours_wherever_it_is_referred_to(bench: Bench) -> None:
    bench.build(
        there=REFERRED + referring(""),
        here=HERE + referring("there:"),
    )
    source = AtmosRepository.open(bench.folder, env={})
    stacks = source.resolve().stacks
    assert not errors_of(stacks["there"], source.locate, stacks, "nothing is wrong yet")
    kinds = {kind: stacks["there"].components["terraform"][kind] for kind in OUTPUTS}
    cases = mistakes(replace(stacks["there"], components={"terraform": kinds}))
    chosen = random.Random(SEED)  # noqa: S311 - of test cases
    for case in chosen.sample(cases, size(400, len(cases))):
        there = mistaken(stacks["there"], *case)
        changed = {**stacks, "there": there}
        for stack in changed.values():
            errors = errors_of(stack, source.locate, changed, case)
            assert all(one.message.strip() and not isinstance(one, InternalError) for one in errors), case
