"""A component whose outputs could not be published is an error of the YAML, not of Parameter Store."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.desired.names import component_name_problem
from tests.desired.conftest import Bench

SECRETS = """
components:
  terraform:
    "%s":
      metadata: {component: secretsmanager}
      vars: {context_name: acme, secrets: {key: {generate_random_password: true}}}
"""
FUNCTION = """
    "%s":
      metadata: {component: lambda}
      settings: {secrets_pipeline: {deliver: %s, components: {lambda: lambda}}}
      vars: {function_name: worker}
"""
RIGHT = ("secretsmanager", "secretsmanager/api_v1.2-x", "/".join("a" * 11))
WRONG = [
    ("secretsmanager api", "cannot be a part of a parameter's name"),
    ("secretsmanager@api", "cannot be a part of a parameter's name"),
    ("secretsmanager//api", "cannot be a part of a parameter's name"),
    ("secretsmanager/../other", "cannot be a part of a parameter's name"),
    ("secretsmanager/é", "cannot be a part of a parameter's name"),
    ("/".join("a" * 12), "makes parameters of 16 levels, and AWS has 15"),
]


@pytest.mark.parametrize(("name", "problem"), WRONG)
def test_a_name_that_parameter_store_does_not_take_is_an_error(bench: Bench, name: str, problem: str) -> None:
    error = bench.only_error(SECRETS % name)
    assert problem in error
    assert "Rename the component" in error


@pytest.mark.parametrize("name", RIGHT)
def test_any_other_is_taken(bench: Bench, name: str) -> None:
    assert name in bench.spec(SECRETS % name).components


def test_a_function_that_nothing_is_delivered_to_may_have_any_name(bench: Bench) -> None:
    assert "a worker" in bench.spec(SECRETS % "secretsmanager" + FUNCTION % ("a worker", "false")).components
    assert "'a worker' cannot be" in bench.only_error(SECRETS % "secretsmanager" + FUNCTION % ("a worker", "true"))
    long = SECRETS % "secretsmanager" + FUNCTION % ("a" * 950, "true")
    assert "makes parameters of 1147 characters, AWS has 1011" in bench.only_error(long)


@given(st.text("aZ0._-/ é@", min_size=1, max_size=40))
def test_what_passes_has_only_parts_of_the_characters_that_parameter_store_takes(name: str) -> None:
    if component_name_problem(name) is None:
        assert all(part and not set(part) & set(" é@") for part in name.split("/"))
