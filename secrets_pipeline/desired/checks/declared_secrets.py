"""Say what of the declared secrets of a stack cannot be managed, and what is wrong in the settings about them."""

from __future__ import annotations

from secrets_pipeline.desired.atmos_secrets.components import (
    DEFAULTS,
    SECRETS,
    DeclaredSecrets,
    declaring,
    region_of,
    unread,
)
from secrets_pipeline.desired.atmos_secrets.declarations import INSTANCE, KINDS, Declaration
from secrets_pipeline.desired.atmos_secrets.model import ParameterSpec
from secrets_pipeline.desired.kinds import recognised
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.scope import ComponentScope, StackScope, near_miss
from secrets_pipeline.desired.secret.naming import FULL_NAME
from secrets_pipeline.engine.grouping import with_examples
from secrets_pipeline.stacks import ASM, SSM, Store

_SETTINGS = ("settings", "secrets_pipeline")


def check_declared(stack: StackScope) -> None:
    """Collect notices and errors about the declared secrets of a stack."""
    rule = stack.settings.target(stack.stack.name)
    operator_region = (rule.region if rule else None) or ""
    declared = list(declaring(stack.stack, stack.settings.components))
    everywhere = {name for _, found in declared for name in found}
    said: set[str] = set()
    made: dict[tuple[str, str], Inputs] = {}
    unmanaged: dict[str, list[tuple[ComponentScope, Declaration]]] = {}
    unknown: dict[Store, list[tuple[ComponentScope, Declaration]]] = {}
    _check_names(stack)
    for component, found in declared:
        scope = stack.component(component)
        stack.errors += unread(component)
        for one in found.values():
            problem = one.problem(region_of(component, operator_region))
            if problem and _is_meant(one):
                if one.store is not None and one.store.kind == ASM and one.store.secret and one.store.unknown:
                    unknown.setdefault(one.store, []).append((scope, one))
                else:
                    unmanaged.setdefault(problem, []).append((scope, one))
        own = Inputs(scope, component.settings.get("secrets_pipeline"), _SETTINGS)
        own.inputs(DEFAULTS)
        entries = own.inputs(SECRETS)
        for name in entries.values:
            entry = entries.inputs(name)
            if entry.has(FULL_NAME):
                what = f"{FULL_NAME} of a declared secret is what Atmos computes from its store"
                entry.error(
                    FULL_NAME, what, "Take it out; store_stack and store_component of the declaration change it."
                )
            shared = name in found and found[name].scope != INSTANCE
            first = made.setdefault((name, found[name].aws_name), entry) if shared else entry
            if first.values != entry.values:
                what = f"component {first.scope.name} says otherwise how secret {name} is made, which both share"
                entries.error(name, what, "Keep one of the two.")
            if name not in everywhere and name not in said:
                said.add(name)
                what = f"no component of the stack declares secret {name}"
                entries.error(name, what, f"Declare it under secrets.vars.{near_miss(name, everywhere)}")
    stack.notices += [f"{_named(ones)} not managed here: {problem}." for problem, ones in unmanaged.items()]
    for store, ones in unknown.items():
        # An error, as what they were called before must not look like what nothing declares.
        at, one = ones[0]
        at.error(("secrets", "vars", one.name), f"{_named(ones)} without a name: {store.problem}", store.remedy)


def _named(declared: list[tuple[ComponentScope, Declaration]]) -> str:
    """Declared secrets with a verb behind them, a few of many."""
    names = [*dict.fromkeys(f"{one.name} of component {one.component}" for _, one in declared)]
    return f"secrets {with_examples(names)} are" if len(names) > 1 else f"secret {names[0]} is"


def _check_names(stack: StackScope) -> None:
    """Collect an error for each component of ours whose name is that of the component of declared secrets."""
    for name, scope in stack.components.items():
        made = scope.component
        hidden = made.hides if isinstance(made, DeclaredSecrets) else None
        if hidden is None or hidden.abstract or not hidden.enabled:
            continue
        if recognised(hidden, stack.settings.components).kind:
            what = f"component {name} is what the secrets that `secrets:` sections declare are called together"
            stack.component(hidden).error((), what, "Give it another name, with metadata.component as it is.")


def declared_parameters(stack: StackScope, region: str) -> tuple[ParameterSpec, ...]:
    """The secrets of a stack that Atmos keeps in Parameter Store, in its region, each once."""
    found: dict[str, ParameterSpec] = {}
    for _, declared in declaring(stack.stack, stack.settings.components):
        for one in declared.values():
            if one.store is not None and one.store.kind == SSM and not one.problem(region):
                earlier = found.get(one.aws_name)
                required = one.required or (earlier is not None and earlier.required)
                found[one.aws_name] = ParameterSpec(name=one.aws_name, title=one.title, required=required)
    return tuple(found.values())


def _is_meant(declaration: Declaration) -> bool:
    """Whether the store may be one of those whose secrets are known here."""
    return declaration.store is None or declaration.store.kind in KINDS
