"""Find what several stacks of a repository declare in one place: names in AWS, and where Atmos looks for outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from secrets_pipeline.desired.boundary import Boundary, Contested, ContestedKind
from secrets_pipeline.desired.names import by_words, named_after, named_after_any, store_place
from secrets_pipeline.desired.settings.grants import GrantRule, granted
from secrets_pipeline.desired.stack import StackSpec

_CURE = (
    " Tell them apart by settings.secrets_pipeline.name_template, see docs/secrets.md; or let the operator's targets "
    "say that they are in different accounts or regions."
)


def with_contested(specs: Mapping[str, StackSpec], grants: Sequence[GrantRule] = ()) -> dict[str, StackSpec]:
    """The same stacks, each with the names that others declare too in its account and region.

    So are secrets that no other stack declares, but whose names are another stack's own; a grant lets them pass.

    A database that a stack only looks at, without `create` and without a password, is everybody's. A stack whose
    account is not known yet may be in that of each other; those whose account is known need not ask about it.

    Args:
        specs: all stacks, by name.
        grants: the operator's.
    """
    declared: dict[tuple[str, ContestedKind, str], dict[str, str]] = {}
    in_region: dict[str, list[str]] = {}
    for stack, spec in specs.items():
        in_region.setdefault(spec.target.region, []).append(stack)
        for kind, name, where in _declared(spec):
            declared.setdefault((spec.target.region, kind, name), {})[stack] = where
    found: dict[str, list[Contested]] = {}
    words = {region: by_words(stacks) for region, stacks in in_region.items()}
    for (region, kind, name), stacks in declared.items():
        is_secret = kind is ContestedKind.SECRET
        if len(stacks) == 1 and not (is_secret and {*named_after_any(name, words[region])} - stacks.keys()):
            continue
        claimants = in_region[region] if is_secret else list(stacks)
        for stack, where in stacks.items():
            own, others = specs[stack].target.account_id, sorted({*claimants, *stacks} - {stack})
            places = {specs[other].target.account_id for other in others} if own is None else {own}
            for account in sorted(places, key=str):
                there = [other for other in others if specs[other].target.account_id == account]
                rivals = tuple(other for other in there if other in stacks)
                owners = named_after(name, [stack, *there] if kind is ContestedKind.SECRET else [stack, *rivals])
                theirs = {*owners} - {stack} and not granted(grants, stack, Boundary.SECRET, name)
                if rivals or theirs:
                    one = Contested(kind=kind, name=name, stacks=rivals, owners=owners, where=where, account_id=account)
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
        if database.identifier is not None and (database.create or database.password is not None):
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
        if one.stacks
    }
    notices: dict[str, frozenset[str]] = {}
    for kind, name, stacks in found:
        said = (
            f"{kind} {name} is declared by stacks {', '.join(stacks)} in one account and region. The stack whose mark "
            "it has keeps it; if AWS does not have it yet, the stack that it is named after may make it. It is blocked "
            "in the others."
        )
        notices[said + (_CURE if kind is ContestedKind.SECRET else "")] = frozenset(stacks)
    return notices


def with_contested_outputs(
    specs: Mapping[str, StackSpec],
) -> tuple[dict[str, StackSpec], dict[str, frozenset[str]]]:
    """The same stacks, each with the components whose place another stack of its region has too.

    And a sentence for each place, with these stacks.

    Component `c` of stack `a-b` and component `b/c` of stack `a` share one, for Atmos itself.
    """
    users: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for stack, spec in specs.items():
        for component, kind in spec.components.items():
            place = store_place(stack, component, "secret_arns") if kind == "secretsmanager" else None
            if place is not None:
                users.setdefault((spec.target.region, place), []).append((stack, component))
    shared = {place: found for (_, place), found in users.items() if len(found) > 1}
    contested: dict[str, list[str]] = {}
    for stack, component in (one for found in shared.values() for one in found):
        contested.setdefault(stack, []).append(component)
    notices = {
        f"{place} is where Atmos looks for the outputs of "
        + " and of ".join(f"component {component} of stack {stack}" for stack, component in found)
        + ": they are published under the stacks' own names alone. Rename one of the components.": frozenset(
            stack for stack, _ in found
        )
        for place, found in shared.items()
    }
    marked = {stack: {"contested_outputs": tuple(components)} for stack, components in contested.items()}
    return {stack: spec.model_copy(update=marked.get(stack, {})) for stack, spec in specs.items()}, notices
