"""Find names that several stacks of a repository declare in one place: the one that AWS has the thing of goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from secrets_pipeline.desired.boundary import Contested, ContestedKind
from secrets_pipeline.desired.stack import StackSpec

_CURE = (
    " Tell them apart by settings.secrets_pipeline.name_template, see docs/secrets.md; or let the operator's targets "
    "say that they are in different accounts or regions."
)


def with_contested(specs: Mapping[str, StackSpec]) -> dict[str, StackSpec]:
    """The same stacks, each with the names that others declare too in its account and region.

    A database that a stack only looks at, without `create` and without a password, is everybody's. A stack whose
    account is not known yet may be in that of each other; those whose account is known need not ask about it.
    """
    owners: dict[tuple[str, ContestedKind, str], dict[str, str]] = {}
    for stack, spec in specs.items():
        for kind, name, where in _declared(spec):
            owners.setdefault((spec.target.region, kind, name), {})[stack] = where
    found: dict[str, list[Contested]] = {}
    for (_, kind, name), stacks in owners.items():
        for stack, where in stacks.items() if len(stacks) > 1 else ():
            own, others = specs[stack].target.account_id, sorted(stacks.keys() - {stack})
            places = {specs[other].target.account_id for other in others} if own is None else {own}
            for account in sorted(places, key=str):
                rivals = tuple(other for other in others if specs[other].target.account_id == account)
                if rivals:
                    one = Contested(kind=kind, name=name, stacks=rivals, where=where, account_id=account)
                    found.setdefault(stack, []).append(one)
    return {
        stack: spec.model_copy(update={"contested": tuple(found[stack])}) if stack in found else spec
        for stack, spec in specs.items()
    }


def _declared(spec: StackSpec) -> Iterator[tuple[ContestedKind, str, str]]:
    for secret in spec.secrets:
        yield ContestedKind.SECRET, secret.name, str(secret.where)
    stack = f"stack {spec.stack}"
    for database in spec.databases:
        if database.create or database.password is not None:
            yield ContestedKind.DATABASE, database.identifier, f"{stack}, component {database.component}"
    for key in spec.keys:
        yield ContestedKind.KEY, key.alias, f"{stack}, component {', '.join(key.components)}"
    if spec.rotation_function is not None:
        yield (
            ContestedKind.FUNCTION,
            spec.rotation_function.name,
            f"{stack}, settings.secrets_pipeline.rotation_function",
        )


def contested_notices(specs: Mapping[str, StackSpec]) -> dict[str, frozenset[str]]:
    """One sentence for each name that several stacks declare, with these stacks."""
    found = {
        (one.kind, one.name, tuple(sorted((stack, *one.stacks)))): None
        for stack, spec in specs.items()
        for one in spec.contested
    }
    return {
        f"{kind} {name} is declared by stacks {', '.join(stacks)} in one account and region: the one that AWS has it "
        f"of goes on, the others are refused.{_CURE if kind is ContestedKind.SECRET else ''}": frozenset(stacks)
        for kind, name, stacks in found
    }
