"""Order the secrets of a stack, and tell which of them wait for a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.outputs import KEYED, KNOWN_WITHOUT_INSTANCE
from secrets_pipeline.desired.reading.scope import StackScope
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.unresolved import Unresolved, UnresolvedReason
from secrets_pipeline.desired.value.model import DeclaredValue, GeneratedValue
from secrets_pipeline.references.model import Expression, Output, Path, dotted
from secrets_pipeline.references.order import break_cycles
from secrets_pipeline.references.walk import outputs


def ordered(stack: StackScope, secrets: Sequence[SecretSpec], databases: Sequence[DatabaseSpec]) -> list[SecretSpec]:
    """The secrets in dependency order, with `depends_on`, `needs_endpoint` and what blocks them set.

    All follow references to their end: a secret that is rendered from one that waits for a database waits too, and one
    that needs a blocked secret is blocked. Secrets that need each other are all blocked, each with the whole chain.
    """
    by_ref = {secret.ref: secret for secret in secrets}
    needs = {secret.ref: _needs(stack, secret) for secret in secrets}
    order, chains = break_cycles(list(by_ref), lambda ref: needs[ref])
    circular = {ref: _circular(stack, by_ref, chain, index) for chain in chains for index, ref in enumerate(chain)}
    own_password = {database.component: database.password for database in databases if database.password}
    place = {ref: index for index, ref in enumerate(order)}
    all_needs: dict[SecretRef, set[SecretRef]] = {}
    waiting: set[SecretRef] = set()
    done: dict[SecretRef, SecretSpec] = {}
    for ref in order:
        # What a chain needs comes in no order.
        direct = [] if ref in circular else [one for one in needs[ref] if one in by_ref]
        all_needs[ref] = {*direct, *(far for one in direct for far in all_needs[one])}
        if any(one in waiting for one in direct) or _waits(stack, by_ref[ref], own_password):
            waiting.add(ref)
        unresolved = [*by_ref[ref].unresolved, *([circular[ref]] if ref in circular else ())]
        unresolved += [_behind(stack, by_ref[ref], done[one]) for one in dict.fromkeys(direct) if done[one].blocked]
        done[ref] = by_ref[ref].model_copy(
            update={
                "depends_on": tuple(sorted(all_needs[ref], key=place.__getitem__)),
                "needs_endpoint": ref in waiting,
                "unresolved": tuple(unresolved),
            }
        )
    return list(done.values())


def own_outputs(stack: StackScope, secret: SecretSpec) -> Iterator[Output]:
    """The outputs of this stack that a secret's value is rendered from."""
    value = secret.value
    if isinstance(value, GeneratedValue):
        fields = [field for field in value.fields.values() if isinstance(field, Expression)]
        named = [output for field in fields for output in outputs(field)]
    else:
        named = list(value.outputs) if isinstance(value, DeclaredValue) else []
    yield from (output for output in named if output.stack in (None, stack.stack.name))


def _needs(stack: StackScope, secret: SecretSpec) -> list[SecretRef]:
    return [
        SecretRef(component=output.component, key=str(output.path[1]))
        for output in own_outputs(stack, secret)
        if stack.kinds.get(output.component) == "secretsmanager" and output.name in KEYED and output.path[1:]
    ]


def _waits(stack: StackScope, secret: SecretSpec, own_password: Mapping[str, SecretRef]) -> bool:
    return any(
        stack.kinds.get(output.component) == "rds"
        and not (output.name in KNOWN_WITHOUT_INSTANCE and output.component in own_password)
        for output in own_outputs(stack, secret)
    )


def _circular(
    stack: StackScope, secrets: Mapping[SecretRef, SecretSpec], chain: Sequence[SecretRef], index: int
) -> Unresolved:
    """What blocks the secret at a place of a chain: that it needs itself in the end."""
    names = " → ".join(f"{one.component}.{one.key}" for one in (*chain, chain[0]))
    return _unresolved(
        stack,
        secrets[chain[index]],
        chain[(index + 1) % len(chain)],
        reason=UnresolvedReason.CIRCULAR,
        problem=f"circular reference: {names}",
        remedy="Take one of these references out: none of these values can be made before the others.",
    )


def _behind(stack: StackScope, secret: SecretSpec, needed: SecretSpec) -> Unresolved:
    problem = f"secret {needed.name}, which it is rendered from, is blocked"
    return _unresolved(
        stack,
        secret,
        needed.ref,
        reason=UnresolvedReason.BLOCKED,
        problem=problem,
        remedy="Mend that one first.",
    )


def _unresolved(
    stack: StackScope, secret: SecretSpec, needed: SecretRef, *, reason: UnresolvedReason, problem: str, remedy: str
) -> Unresolved:
    """A reference from one secret to another that leads nowhere."""
    path: Path = ("vars", "secrets", secret.ref.key)
    expression = Output(needed.component, ("secret_values", needed.key))
    for leaf in secret.value.leaves if isinstance(secret.value, DeclaredValue) else ():
        for output in leaf.outputs:
            if output.component == needed.component and output.path[1:2] == (needed.key,):
                path, expression = leaf.place, output
    return Unresolved(
        expression=str(expression),
        key=dotted(path),
        reason=reason,
        problem=problem,
        remedy=remedy,
        where=str(stack.components[secret.ref.component].where(path)),
    )
