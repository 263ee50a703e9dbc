"""Say what of the declared secrets of a stack cannot be managed, and what is wrong in the settings about them."""

from __future__ import annotations

from secrets_pipeline.desired.atmos_secrets.components import DEFAULTS, SECRETS, declaring, region_of
from secrets_pipeline.desired.atmos_secrets.declarations import KINDS, Declaration
from secrets_pipeline.desired.atmos_secrets.model import ParameterSpec
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.scope import StackScope, near_miss
from secrets_pipeline.desired.secret.naming import FULL_NAME
from secrets_pipeline.engine.grouping import listed
from secrets_pipeline.stacks import SSM

_SETTINGS = ("settings", "secrets_pipeline")


def check_declared(stack: StackScope) -> None:
    """Collect notices and errors about the declared secrets of a stack."""
    rule = stack.settings.target(stack.stack.name)
    operator_region = (rule.region if rule else None) or ""
    everywhere = {name for _, found in declaring(stack.stack) for name in found}
    said: set[str] = set()
    unmanaged: dict[str, list[str]] = {}
    for component, found in declaring(stack.stack):
        for one in found.values():
            problem = one.problem(region_of(component, operator_region))
            if problem and _is_meant(one):
                unmanaged.setdefault(problem, []).append(f"{one.name} of component {component.name}")
        scope = stack.component(component)
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
            if name not in everywhere and name not in said:
                said.add(name)
                what = f"no component of the stack declares secret {name}"
                entries.error(name, what, f"Declare it under secrets.vars.{near_miss(name, everywhere)}")
    # Stacks of which the same is said share one sentence.
    for problem, secrets in unmanaged.items():
        what = f"secrets {listed(secrets)} are" if len(secrets) > 1 else f"secret {secrets[0]} is"
        stack.notices.append(f"{what} not managed here: {problem}.")


def declared_parameters(stack: StackScope, region: str) -> tuple[ParameterSpec, ...]:
    """The secrets of a stack that Atmos keeps in Parameter Store, in its region, each once."""
    found: dict[str, ParameterSpec] = {}
    for _, declared in declaring(stack.stack):
        for one in declared.values():
            if one.store is not None and one.store.kind == SSM and not one.problem(region):
                earlier = found.get(one.aws_name)
                required = one.required or (earlier is not None and earlier.required)
                found[one.aws_name] = ParameterSpec(name=one.aws_name, title=one.title, required=required)
    return tuple(found.values())


def _is_meant(declaration: Declaration) -> bool:
    """Whether the store may be one of those whose secrets are known here."""
    return declaration.store is None or declaration.store.kind in KINDS
