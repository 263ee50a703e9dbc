"""Find components whose outputs Atmos looks for in one place, since it splits the names of their stacks at hyphens."""

from __future__ import annotations

from collections.abc import Mapping

from secrets_pipeline.desired.names import store_place
from secrets_pipeline.desired.stack import StackSpec


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
