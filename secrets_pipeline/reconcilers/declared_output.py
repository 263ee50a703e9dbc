"""Resolve those outputs of a component that the YAML itself says; no account is asked."""

from __future__ import annotations

from collections.abc import Mapping

from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.references.model import Path
from secrets_pipeline.references.resolve import Pending, Plain, Resolved

_OF_DELIVERY = {
    "lambda": {"function_name": "function_name"},
    "ecs": {"cluster_name": "cluster", "service_name": "service"},
    "apigateway": {"stage_name": "stage_name"},
}
"""Kind of component → output → what a delivery to it calls that."""


def declared_output(spec: StackSpec, component: str, path: Path) -> Resolved | None:
    """Resolve one output; None where AWS has to be asked.

    Args:
        spec: of the stack that has the component.
        component: its name.
        path: of the output, its name first.
    """
    kind = spec.components.get(component)
    if kind is None:
        return Pending(f"stack {spec.stack} has no component {component}")
    if kind != "kms" and kind not in _OF_DELIVERY:
        return None
    names = declared_names(spec, component)
    if not names:
        return nothing_named(component)
    name = str(path[0])
    return Plain(names[name]) if name in names else None


def declared_names(spec: StackSpec, component: str) -> Mapping[str, str]:
    """Collect what the YAML calls a component, by output; empty where the variable that says it has to be looked up."""
    if spec.components.get(component) == "kms":
        return next(({"alias_name": key.alias} for key in spec.keys if component in key.components), {})
    delivery = next((one for one in spec.deliveries if one.component == component), None)
    return {output: getattr(delivery, name) for output, name in _OF_DELIVERY[delivery.kind].items()} if delivery else {}


def nothing_named(component: str) -> Pending:
    """Say that the variable is missing that says what a component is called."""
    return Pending(f"component {component} does not say what it is called, so nothing of it can be found")
