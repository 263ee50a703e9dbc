"""Whether what an expression refers to exists, and may be used where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.references import (
    Call,
    Environment,
    Expression,
    FileContents,
    Output,
    Path,
    Unsupported,
    nodes,
    outputs,
)
from secrets_pipeline.spec.outputs import KEYED, NAMING_VARIABLES, OUTPUTS
from secrets_pipeline.spec.scope import ComponentScope, StackScope, listed, near_miss, read_expression

Problem = tuple[str, str]
"""What is wrong, and what to write instead."""


def check(scope: ComponentScope, expression: Expression, path: Path, *, sensitive_allowed: bool = False) -> bool:
    """Collect an error for each thing in `expression` that does not exist or is not allowed at `path`.

    Args:
        scope: the component that it stands in.
        expression: without variables.
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
                scope.error(path, f"{text.split()[0]} cannot be resolved here", f"{reason[:1].upper()}{reason[1:]}.")
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
                    _refuse(scope, node, path)
            case _:
                pass
    return len(scope.stack.errors) == before


def refuse_sensitive(scope: ComponentScope, value: Any, path: Path) -> None:  # noqa: ANN401 - a YAML tree
    """Collect an error for each secret value that a component would take in, wherever it stands."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            refuse_sensitive(scope, below, (*path, str(key)))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            refuse_sensitive(scope, below, (*path, index))
    elif isinstance(value, str):
        try:
            expression = read_expression(scope.component, scope.stack.components, value)
        except ExpressionError:
            return  # Terraform may understand it.
        for output in outputs(expression):
            if output.sensitive and scope.stack.kinds.get(output.component) == "secretsmanager":
                _refuse(scope, output, path)


def _refuse(scope: ComponentScope, output: Output, path: Path) -> None:
    scope.error(
        path,
        f"{output} is a secret value and must not be used here",
        "Use it inside another secret's value or as the password of an rds component; elsewhere "
        "write secret_arns and let the reader fetch it.",
    )


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


def _output_problem(stack: StackScope, output: Output, *, whole_map_allowed: bool) -> Problem | None:
    """What is wrong with an output, and what to write instead."""
    if output.stack not in (None, stack.stack.name):
        other = stack.stacks.get(str(output.stack))
        if other is None:
            hint = near_miss(str(output.stack), stack.stacks)
            return f"stack {output.stack} does not exist", f"Stacks: {listed(stack.stacks)}.{hint}"
        stack = stack.other(other)
    kind = stack.kinds.get(output.component)
    if kind is None:
        return _unmanaged_problem(stack, output)
    if output.name not in OUTPUTS[kind]:
        hint = near_miss(output.name, OUTPUTS[kind])
        return (
            f"component {output.component} ({kind}) has no output {output.name}",
            f"Its outputs: {listed(OUTPUTS[kind])}.{hint}",
        )
    component = stack.components[output.component]
    if output.name in KEYED:
        return _keyed_problem(component, output, whole_map_allowed=whole_map_allowed)
    return _single_problem(component, kind, output)


def _single_problem(component: ComponentScope, kind: str, output: Output) -> Problem | None:
    """Outputs that are one value."""
    variables = component.component.vars
    if len(output.path) > 1:
        right = f"${{output.{component.name}.{output.name}}}"
        return f"{output} goes on after {output.name}, which is not a map", f"Write {right}."
    if kind == "secretsmanager" and variables.get("create_kms_key") is not True:
        return (
            f"component {component.name} makes no KMS key, so it has no {output.name}",
            "Set vars.create_kms_key: true there, or refer to a kms component.",
        )
    missing = [name for name in NAMING_VARIABLES.get(kind, ()) if not variables.get(name)]
    if missing:
        return (
            f"component {component.name} ({kind}) cannot be found in AWS: it has no {' and no '.join(missing)}",
            f"Set vars.{missing[0]} of component {component.name}.",
        )
    return None


def _unmanaged_problem(stack: StackScope, output: Output) -> Problem:
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


def _keyed_problem(component: ComponentScope, output: Output, *, whole_map_allowed: bool) -> Problem | None:
    """Outputs that are maps by key of the component's secrets."""
    declared = component.component.vars.get("secrets")
    keys = list(declared) if isinstance(declared, Mapping) else []
    if len(output.path) == 1:
        if whole_map_allowed and not output.sensitive:
            return None
        return f"{output} is a map of all secrets", f"Name one: {output.name}.<key>, with one of {listed(keys)}."
    key = output.path[1]
    if key not in keys:
        hint = near_miss(str(key), keys)
        return (
            f"component {component.name} has no secret with the key {key}",
            f"Keys of its secrets: {listed(keys)}. The key in the map is meant, not the name.{hint}",
        )
    if output.path[2:] and output.name != "secret_values":
        return f"{output} goes on after the key", f"Write ${{output.{component.name}.{output.name}.{key}}}."
    return None
