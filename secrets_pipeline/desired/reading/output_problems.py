"""Tell whether an output exists, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from secrets_pipeline.desired.engines import CLUSTERS, is_cluster
from secrets_pipeline.desired.kinds import COMPONENTS, SECRETS
from secrets_pipeline.desired.outputs import KEYED, NAMING_VARIABLES, OF_CLUSTERS, OF_INSTANCES, OUTPUTS
from secrets_pipeline.desired.reading.database_code import databases_made, makes_cluster
from secrets_pipeline.desired.reading.ours import is_active
from secrets_pipeline.desired.reading.scope import ComponentScope, StackScope, listed, near_miss
from secrets_pipeline.desired.reading.spelling import spelled
from secrets_pipeline.desired.terraform_state.model import StatePlace
from secrets_pipeline.desired.terraform_state.read import NoState, state_place
from secrets_pipeline.desired.unresolved import UnresolvedReason
from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.references.model import Literal, Output

_KIND_OF: Final = f"secrets_pipeline.{COMPONENTS}"


@dataclass(frozen=True, slots=True)
class OutputProblem:
    """What is wrong with an output, and what to write instead.

    Attributes:
        reason: why it has no value.
        problem: what is wrong, in one sentence.
        remedy: what to write instead.
    """

    reason: UnresolvedReason
    problem: str
    remedy: str


def output_problem(
    stack: StackScope, output: Output, *, whole_map_allowed: bool = False, written: FunctionCall | None = None
) -> OutputProblem | None:
    """What is wrong with an output; None if AWS has it, or will have it, or if a Terraform state that is read may.

    Args:
        stack: the stack that refers to it.
        output: with its own stack, if that is another one.
        whole_map_allowed: whether a map of all secrets may be meant.
        written: the function that stands there, in whose spelling outputs are named.
    """
    if output.stack not in (None, stack.stack.name):
        other = stack.stacks.get(str(output.stack))
        if other is None:
            return OutputProblem(
                UnresolvedReason.STACK,
                f"stack {output.stack} does not exist",
                f"Stacks: {listed(stack.stacks)}.{near_miss(str(output.stack), stack.stacks)}",
            )
        stack = stack.other(other)
    kind, named = stack.kinds.get(output.component), stack.components.get(output.component)
    if kind is None or (named is not None and named.component.unsettled):
        return _unmanaged_problem(stack, output)
    component = stack.components[output.component]
    if output.name not in OUTPUTS[kind]:
        return _unlisted_problem(stack, component, kind, output)
    if output.name in KEYED:
        return _keyed_problem(component, output, written, whole_map_allowed=whole_map_allowed)
    return _single_problem(component, kind, output, written)


def place_of_state(stack: StackScope, output: Output) -> StatePlace | None:
    """Return the Terraform state that an output is read from; None if AWS or the YAML has the output."""
    if output.stack not in (None, stack.stack.name):
        stack = stack.other(stack.stacks[str(output.stack)])
    kind = stack.kinds.get(output.component)
    if kind is not None and not _is_terraforms(stack.components[output.component], kind, output):
        return None
    place = _place(stack, output)
    return None if isinstance(place, NoState) else place


def _is_terraforms(component: ComponentScope, kind: str, output: Output) -> bool:
    """Whether an output of a component of our kinds is one that only Terraform knows: it made the component."""
    return kind != SECRETS and output.name not in OUTPUTS[kind] and component.setting("create") is not True


def _place(stack: StackScope, output: Output) -> StatePlace | NoState:
    return state_place(stack.components[output.component].component, stack.base_path)


def _unlisted_problem(stack: StackScope, component: ComponentScope, kind: str, output: Output) -> OutputProblem | None:
    """Outputs that no component of the kind is known to have: Terraform's state may have them."""
    place = _place(stack, output) if _is_terraforms(component, kind, output) else NoState("")
    if not isinstance(place, NoState):
        return None
    listing = f"Its outputs: {listed(OUTPUTS[kind])}.{near_miss(output.name, OUTPUTS[kind])}"
    if place.problem:
        told = f"only Terraform knows output {output.name} of component {output.component}{place.problem}"
        return OutputProblem(UnresolvedReason.TERRAFORM, told, f"{listing} {place.remedy}")
    told = f"component {output.component} ({kind}) has no output {output.name}"
    return OutputProblem(UnresolvedReason.OUTPUT, told, listing)


def _single_problem(
    component: ComponentScope, kind: str, output: Output, written: FunctionCall | None
) -> OutputProblem | None:
    """Outputs that are one value."""
    variables = component.component.vars
    if len(output.path) > 1:
        return OutputProblem(
            UnresolvedReason.OUTPUT,
            f"{spelled(output, written)} goes on after {output.name}, which is not a map",
            f"Write {spelled(replace(output, path=output.path[:1]), written)}.",
        )
    if kind == "secretsmanager" and variables.get("create_kms_key") is not True:
        return OutputProblem(
            UnresolvedReason.OUTPUT,
            f"component {component.name} makes no KMS key, so it has no {output.name}",
            "Set vars.create_kms_key: true there, or refer to a kms component.",
        )
    if kind == "rds" and (problem := _database_problem(component, output, written)):
        return problem
    missing = [name for name in NAMING_VARIABLES.get(kind, ()) if not variables.get(name)]
    if missing:
        return OutputProblem(
            UnresolvedReason.OUTPUT,
            f"component {component.name} ({kind}) cannot be found in AWS: it has no {' and no '.join(missing)}",
            f"Set vars.{missing[0]} of component {component.name}.",
        )
    return None


def _database_problem(component: ComponentScope, output: Output, written: FunctionCall | None) -> OutputProblem | None:
    """Outputs that an instance has and a cluster has not, or the other way round."""
    if output.name not in (*OF_INSTANCES, *OF_CLUSTERS):
        return None
    engine = component.component.vars.get("engine")
    if engine is not None:
        try:
            expression = component.read(engine)
        except ExpressionError:
            return None  # Said where the component is read.
        if not isinstance(expression, Literal):
            return None
        engine = expression.value
    cluster = is_cluster(str(engine)) or _of_aurora(component)
    instead = (OF_INSTANCES if cluster else OF_CLUSTERS).get(output.name)
    if instead is None:
        return None
    said = f"engine is {engine}" if engine else "it names no engine"
    what = f"an Aurora cluster ({said})" if cluster else f"a single instance ({said})"
    unless = "" if cluster else f" Aurora clusters have it: engine {CLUSTERS[0]} or {CLUSTERS[1]}."
    return OutputProblem(
        UnresolvedReason.OUTPUT,
        f"component {component.name} is {what}, so it has no {output.name}",
        f"Write {spelled(replace(output, path=(instead,)), written)}.{unless}",
    )


def _of_aurora(component: ComponentScope) -> bool:
    made = databases_made(component.component, component.stack.base_path)
    return component.setting("create") is not True and makes_cluster(component.component, made)


def _unmanaged_problem(stack: StackScope, output: Output) -> OutputProblem | None:
    name = output.component
    if name not in stack.components:
        return OutputProblem(
            UnresolvedReason.COMPONENT,
            f"component {name} does not exist in stack {stack.stack.name}",
            f"Components: {listed(stack.components)}.{near_miss(name, stack.components)}",
        )
    component = stack.components[name].component
    if component.unsettled:
        error = component.unsettled[0].error
        return OutputProblem(UnresolvedReason.UNSETTLED, error.message, error.remedy)
    if component.abstract:
        return OutputProblem(
            UnresolvedReason.SWITCHED_OFF,
            f"component {name} is abstract, so it has no outputs",
            "Refer to a component that inherits from it.",
        )
    if not is_active(component, stack.components, references=stack.dialect.reads(component)):
        return OutputProblem(
            UnresolvedReason.SWITCHED_OFF,
            f"component {name} is switched off, so it has no outputs",
            "Switch it on, or write the value.",
        )
    place = _place(stack, output)
    if not isinstance(place, NoState):
        return None
    told = f"only Terraform knows output {output.name} of component {name}{place.problem}"
    return OutputProblem(UnresolvedReason.TERRAFORM, told, f"{_mapping(output)}{place.remedy}")


def _mapping(output: Output) -> str:
    """Write the setting that makes a component one of a kind, for each kind that has the output; else empty."""
    kinds = [kind for kind, names in OUTPUTS.items() if output.name in names]
    lines = [f"If it is of kind {one}, write settings.{_KIND_OF}: {{{output.component}: {one}}}. " for one in kinds]
    return "".join(lines)


def _keyed_problem(
    component: ComponentScope, output: Output, written: FunctionCall | None, *, whole_map_allowed: bool
) -> OutputProblem | None:
    """Outputs that are maps by key of the component's secrets."""
    secrets = component.component.vars.get("secrets")
    # What is no map is said where the component is read.
    declared = secrets if isinstance(secrets, Mapping) else {}
    keys = list(declared)
    if len(output.path) == 1:
        if whole_map_allowed and not output.sensitive:
            return None
        return OutputProblem(
            UnresolvedReason.OUTPUT,
            f"{spelled(output, written)} is a map of all secrets",
            f"Name one: {output.name}.<key>, with one of {listed(keys)}.",
        )
    key = output.path[1]
    if key not in keys:
        named = [one for one, entry in declared.items() if isinstance(entry, Mapping) and entry.get("name") == key]
        hint = f" Did you mean {named[0]}?" if named else near_miss(str(key), keys)
        return OutputProblem(
            UnresolvedReason.OUTPUT,
            f"component {component.name} has no secret with the key {key}",
            f"Keys of its secrets: {listed(keys)}. The key in the map is meant, not the name.{hint}",
        )
    if output.path[2:] and output.name != "secret_values":
        return OutputProblem(
            UnresolvedReason.OUTPUT,
            f"{spelled(output, written)} goes on after the key",
            f"Write {spelled(replace(output, path=output.path[:2]), written)}.",
        )
    return None
