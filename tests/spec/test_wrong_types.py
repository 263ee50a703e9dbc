"""A value of another type, at each place of stacks that use everything: an error of ours that says something."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.spec import OperatorSettings, TargetRule, build_spec
from secrets_pipeline.spec.scope import Locate
from secrets_pipeline.stacks import Repository, Stack
from tests.grants import TRUSTED
from tests.spec.conftest import Bench
from tests.sweep import SEED, size

ROOT: Final = Path(__file__).parents[2]
SETTINGS: Final = OperatorSettings(grants=TRUSTED, targets=(TargetRule(stacks="*", account_id="111122223333"),))
OTHERS: Final[tuple[object, ...]] = (
    None, True, 7, -1.5, 10**20, "", "x", "*", "${output.nowhere.x}", [], ["x"], [["x"]], [{"a": 1}], {}, {"x": None},
    {"x": "y"}, {"x": {"y": ["z"]}},
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


def mistakes(stack: Stack) -> list[tuple[str, Place, object]]:
    """Component, place and the value that is to stand there: everything that can be of another type."""
    return [
        (name, (section, *at), other)
        for name, component in stack.components["terraform"].items()
        for section in ("vars", "settings", "metadata")
        for at in places(component.resolved.get(section))
        for other in OTHERS
    ]


def mistaken(stack: Stack, name: str, at: Place, other: object) -> Stack:
    """The stack with one value replaced."""
    components = stack.components["terraform"]
    changed = replace(components[name], resolved=put(components[name].resolved, at, other))
    return replace(stack, components={"terraform": {**components, name: changed}})


def errors_of(
    stack: Stack, locate: Locate, stacks: Mapping[str, Stack], case: object
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
    source = Repository.open(ROOT / repository, env={})
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
            kms: {{vars: {{alias: x, description: "${{output.secretsmanager/a.secret_arns.one}}"}}}}
        """
    )
    assert any("component secretsmanager/a, key vars.secrets" in one for one in errors), errors
    assert any("component secretsmanager/a has no secret with the key one" in one for one in errors), errors
