"""Tell which stacks follow another one: their values are rendered from its secrets or databases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import DeclaredValue, GeneratedValue
from secrets_pipeline.references.model import Expression, Output
from secrets_pipeline.references.walk import outputs


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


def referred(spec: StackSpec) -> Iterator[Output]:
    """The outputs that a stack's values are rendered from, its own and other stacks'."""
    for secret in spec.secrets:
        yield from _outputs(secret)


def _outputs(secret: SecretSpec) -> Iterator[Output]:
    if isinstance(secret.value, GeneratedValue):
        for field in secret.value.fields.values():
            yield from outputs(field) if isinstance(field, Expression) else ()
    elif isinstance(secret.value, DeclaredValue):
        yield from secret.value.outputs
