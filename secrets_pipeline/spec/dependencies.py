"""Order between the secrets of a stack, and which of them wait for a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from secrets_pipeline.errors import CollectedErrors, ExpressionError
from secrets_pipeline.references import Expression, Output, outputs, topological_order
from secrets_pipeline.spec.model import DatabaseSpec, GeneratedValue, SecretRef, SecretSpec
from secrets_pipeline.spec.outputs import KEYED, KNOWN_WITHOUT_INSTANCE
from secrets_pipeline.spec.scope import StackScope


def ordered(stack: StackScope, secrets: Sequence[SecretSpec], databases: Sequence[DatabaseSpec]) -> list[SecretSpec]:
    """The secrets in dependency order, with `depends_on` and `needs_endpoint` set; cycles are collected.

    Both follow references to their end: a secret that is rendered from one that waits for a database waits too.
    """
    by_ref = {secret.ref: secret for secret in secrets}
    needs = {secret.ref: _needs(stack, secret) for secret in secrets}
    try:
        order = topological_order(list(by_ref), lambda ref: needs[ref], lambda ref: f"{ref.component}.{ref.key}")
    except (ExpressionError, CollectedErrors) as error:
        _collect_cycles(stack, error, list(by_ref))
        return list(secrets)
    own_password = {database.component: database.password for database in databases if database.password}
    place = {ref: index for index, ref in enumerate(order)}
    all_needs: dict[SecretRef, set[SecretRef]] = {}
    waiting: set[SecretRef] = set()
    done: list[SecretSpec] = []
    for ref in order:
        direct = [one for one in needs[ref] if one in by_ref]
        all_needs[ref] = {*direct, *(far for one in direct for far in all_needs[one])}
        if any(one in waiting for one in direct) or _waits(stack, by_ref[ref], own_password):
            waiting.add(ref)
        depends_on = tuple(sorted(all_needs[ref], key=place.__getitem__))
        done.append(by_ref[ref].model_copy(update={"depends_on": depends_on, "needs_endpoint": ref in waiting}))
    return done


def own_outputs(stack: StackScope, secret: SecretSpec) -> Iterator[Output]:
    """The outputs of this stack that a secret's value is rendered from."""
    value = secret.value
    if isinstance(value, GeneratedValue):
        fields = [field for field in value.fields.values() if isinstance(field, Expression)]
        named = [output for field in fields for output in outputs(field)]
    else:
        named = list(value.outputs)
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


def _collect_cycles(stack: StackScope, error: ExpressionError | CollectedErrors, refs: Sequence[SecretRef]) -> None:
    found = error.errors if isinstance(error, CollectedErrors) else (error,)
    for one in found:
        first = one.message.removeprefix("circular reference: ").split(" → ")[0]
        ref = next(ref for ref in refs if f"{ref.component}.{ref.key}" == first)
        scope = stack.components[ref.component]
        scope.expression_error(("vars", "secrets", ref.key), ExpressionError(one.message, remedy=one.remedy))
