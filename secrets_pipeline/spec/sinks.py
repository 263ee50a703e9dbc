"""Whether what an expression refers to exists, and may be used where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from secrets_pipeline.references import (
    Call,
    Environment,
    Expression,
    FileContents,
    Output,
    Path,
    Unsupported,
    nodes,
)
from secrets_pipeline.spec.outputs import KEYED, NAMING_VARIABLES, OUTPUTS
from secrets_pipeline.spec.scope import ComponentScope, StackScope, listed, near_miss


def check(scope: ComponentScope, expression: Expression, path: Path, *, sensitive_allowed: bool = False) -> bool:
    """Collect an error for each thing in `expression` that does not exist or is not allowed at `path`.

    Args:
        scope: the component that it stands in.
        path: where it stands.
        sensitive_allowed: whether plaintext of secrets may flow there.

    Returns:
        Whether there was none.
    """
    before = len(scope.stack.errors)
    whole_maps = {node.argument for node in nodes(expression) if isinstance(node, Call)}
    for node in nodes(expression):
        match node:
            case Unsupported(text=text, reason=reason):
                scope.error(path, f"{text} cannot be resolved here", f"{reason[:1].upper()}{reason[1:]}.")
            case Environment(name=name) if name not in scope.stack.settings.environment_allowed:
                scope.error(
                    path,
                    f"environment variable {name} is not allowed",
                    "Ask the operator to add it to environment_allowed in the settings file.",
                )
            case FileContents(path=file):
                _check_file(scope, file, path)
            case Output():
                _check_output(scope, node, path, whole_map_allowed=node in whole_maps)
                if node.sensitive and not sensitive_allowed:
                    scope.error(
                        path,
                        f"{node} is a secret value and must not be used here",
                        "Use it inside another secret's value or as the password of an rds component; elsewhere "
                        "write secret_arns and let the reader fetch it.",
                    )
            case _:
                pass
    return len(scope.stack.errors) == before


def _check_file(scope: ComponentScope, file: str, path: Path) -> None:
    parts = PurePosixPath(file)
    remedy = "Name a file inside the repository, relative to its base path."
    if parts.is_absolute() or ".." in parts.parts:
        scope.error(path, f"file {file} lies outside the repository", remedy)
        return
    base = scope.stack.base_path
    if base is None:
        return
    found = (base / file).resolve()
    if not found.is_relative_to(base.resolve()):
        scope.error(path, f"file {file} lies outside the repository", remedy)
    elif not found.is_file():
        scope.error(path, f"file {file} does not exist", remedy)


def _check_output(scope: ComponentScope, output: Output, path: Path, *, whole_map_allowed: bool) -> None:
    problem = _output_problem(scope.stack, output, whole_map_allowed=whole_map_allowed)
    if problem:
        scope.error(path, *problem)


def _output_problem(stack: StackScope, output: Output, *, whole_map_allowed: bool) -> tuple[str, str] | None:
    """What is wrong with an output, and what to write instead."""
    if output.stack not in (None, stack.stack.name):
        other = stack.stacks.get(str(output.stack))
        if other is None:
            known = listed(stack.stacks)
            return f"stack {output.stack} does not exist", f"Stacks: {known}.{near_miss(str(output.stack), stack.stacks)}"
        stack = stack.other(other)
    kind = stack.kinds.get(output.component)
    if kind is None:
        return _no_such_component(stack, output)
    if output.name not in OUTPUTS[kind]:
        hint = near_miss(output.name, OUTPUTS[kind])
        return (
            f"component {output.component} ({kind}) has no output {output.name}",
            f"Its outputs: {listed(OUTPUTS[kind])}.{hint}",
        )
    if kind == "secretsmanager":
        return _secrets_problem(stack.components[output.component], output, whole_map_allowed=whole_map_allowed)
    if len(output.path) > 1:
        return f"{output} goes on after {output.name}, which is not a map", f"Write ${{output.{output.component}.{output.name}}}."
    missing = [name for name in NAMING_VARIABLES.get(kind, ()) if not stack.components[output.component].component.vars.get(name)]
    if missing:
        return (
            f"component {output.component} ({kind}) cannot be found in AWS: it has no {' and no '.join(missing)}",
            f"Set vars.{missing[0]} of component {output.component}.",
        )
    return None


def _no_such_component(stack: StackScope, output: Output) -> tuple[str, str]:
    name = output.component
    if name not in stack.components:
        return (
            f"component {name} does not exist in stack {stack.stack.name}",
            f"Components: {listed(stack.components)}.{near_miss(name, stack.components)}",
        )
    component = stack.components[name].component
    if component.abstract:
        return f"component {name} is abstract, so it has no outputs", "Refer to a component that inherits from it."
    if not component.enabled or component.vars.get("enabled") is False:
        return f"component {name} is switched off, so it has no outputs", "Switch it on, or write the value."
    return (
        f"only Terraform knows output {output.name} of component {name}",
        "Write the value, or let Terraform put it into a parameter and write ${ssm:/path}.",
    )


def _secrets_problem(component: ComponentScope, output: Output, *, whole_map_allowed: bool) -> tuple[str, str] | None:
    variables = component.component.vars
    if output.name not in KEYED:
        if variables.get("create_kms_key") is True:
            return None
        return (
            f"component {component.name} makes no KMS key, so it has no {output.name}",
            "Set vars.create_kms_key: true there, or refer to a kms component.",
        )
    declared = variables.get("secrets")
    keys = list(declared) if isinstance(declared, Mapping) else []
    if len(output.path) == 1:
        if whole_map_allowed and not output.sensitive:
            return None
        return f"{output} is a map of all secrets", f"Name one: {output.name}.<key>, with one of {listed(keys)}."
    key = output.path[1]
    if key not in keys:
        return (
            f"component {component.name} has no secret with the key {key}",
            f"Keys of its secrets: {listed(keys)}. The key in the map is meant, not the name.{near_miss(str(key), keys)}",
        )
    if output.path[2:] and output.name != "secret_values":
        return f"{output} goes on after the key", f"Write ${{output.{component.name}.{output.name}.{key}}}."
    return None
