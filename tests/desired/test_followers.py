"""Stacks are applied after those that they refer to."""

from __future__ import annotations

from itertools import permutations

from secrets_pipeline.desired.followers import leaders_first
from tests.desired.conftest import Bench


def _stack(name: str, *references: str) -> str:
    secrets = "".join(f"\n          {key}: {{secret_data: {{a: {text}}}}}" for key, text in enumerate(references))
    return f"""\
components:
  terraform:
    secretsmanager:
      vars:
        context_name: {name}
        secrets:
          token: {{generate_random_password: true}}{secrets}
"""


def _arn_of(stack: str) -> str:
    return f"!terraform.state secretsmanager {stack} secret_arns.token"


def test_a_stack_comes_after_those_that_it_refers_to(bench: Bench) -> None:
    stacks = {
        "a": _stack("a", _arn_of("c"), _arn_of("d")),
        "b": _stack("b"),
        "c": _stack("c", _arn_of("d")),
        "d": _stack("d"),
    }
    specs = bench.build(**stacks).specs
    for given in permutations(stacks):
        order = leaders_first(specs, given)
        assert sorted(order) == sorted(stacks)
        assert order.index("d") < order.index("c") < order.index("a"), order


def test_a_policy_refers_too(bench: Bench) -> None:
    policy = f"[{{Effect: Deny, Principal: '*', Action: 'secretsmanager:DeleteSecret', Resource: {_arn_of('z')}}}]"
    reader = _stack("a").replace("generate_random_password: true", f"generate_random_password: true, policy: {policy}")
    specs = bench.build(a=reader, z=_stack("z")).specs
    assert leaders_first(specs, ["a", "z"]) == ["z", "a"]


def test_stacks_that_refer_to_each_other_come_once_each(bench: Bench) -> None:
    specs = bench.build(
        a=_stack("a", _arn_of("b")),
        b=_stack("b", _arn_of("a"), _arn_of("c")),
        c=_stack("c"),
    ).specs
    for given in permutations("abc"):
        order = leaders_first(specs, given)
        assert sorted(order) == ["a", "b", "c"]
        assert order.index("c") < order.index("b"), order


def test_only_the_stacks_that_are_asked_for_are_sorted(bench: Bench) -> None:
    specs = bench.build(a=_stack("a", _arn_of("b")), b=_stack("b")).specs
    assert leaders_first(specs, ["a"]) == ["a"]
