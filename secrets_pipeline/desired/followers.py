"""Tell which stacks follow another one: they refer to its secrets, keys or databases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import DeclaredValue, GeneratedValue
from secrets_pipeline.references.model import Expression, Output
from secrets_pipeline.references.walk import expressions, outputs


def followers(specs: Mapping[str, StackSpec], stack: str) -> tuple[str, ...]:
    """The stacks whose values have to be rendered again when a value of `stack` changes, and those behind them.

    Args:
        specs: desired state by stack.
        stack: its name.

    Returns:
        Names in the order in which they follow, without the stack itself; each once, also where stacks refer to each
        other.
    """
    direct = {name: {one.stack for one in referred(spec) if one.stack} for name, spec in specs.items()}
    found: list[str] = [stack]
    for leader in found:
        found += sorted(name for name, named in direct.items() if leader in named and name not in found)
    return tuple(found[1:])


def leaders_first(specs: Mapping[str, StackSpec], stacks: Sequence[str]) -> list[str]:
    """Sort stacks for an apply: each comes after those of them that it refers to.

    Args:
        specs: desired state by stack.
        stacks: their names.

    Returns:
        The names. Where stacks refer to each other, one of them comes first.
    """
    others = {name: [one.stack for one in _referred_anywhere(specs[name]) if one.stack != name] for name in stacks}
    graph = {name: [one for one in named if one in others] for name, named in others.items()}
    while True:
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            leader, follower = error.args[1][:2]
            graph[follower].remove(leader)


def _referred_anywhere(spec: StackSpec) -> Iterator[Output]:
    yield from referred(spec)
    policies = [*(one.policy for one in spec.keys), *(one.policy for one in spec.secrets)]
    delivered = [one.delivered for one in spec.deliveries]
    usernames = [one.username for one in spec.databases]
    for expression in expressions([policies, delivered, usernames]):
        yield from outputs(expression)


def referred(spec: StackSpec) -> Iterator[Output]:
    """The outputs that a stack's values are rendered from, its own and other stacks'."""
    for secret in spec.secrets:
        yield from value_outputs(secret)


def value_outputs(secret: SecretSpec) -> Iterator[Output]:
    """The outputs that the value of a secret is rendered from."""
    if isinstance(secret.value, GeneratedValue):
        for field in secret.value.fields.values():
            yield from outputs(field) if isinstance(field, Expression) else ()
    elif isinstance(secret.value, DeclaredValue):
        yield from secret.value.outputs
