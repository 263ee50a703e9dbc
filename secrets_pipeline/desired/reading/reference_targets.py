"""Check that what an expression refers to exists, and may be used where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from secrets_pipeline.desired.reading.crossing import crosses_reference
from secrets_pipeline.desired.reading.output_problems import output_problem, place_of_state
from secrets_pipeline.desired.reading.scope import ComponentScope
from secrets_pipeline.desired.reading.spelling import function_at, spelled
from secrets_pipeline.desired.reading.states import read_state
from secrets_pipeline.desired.unresolved import UnresolvedReason
from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.references.defaults import with_defaults
from secrets_pipeline.references.model import (
    Call,
    Environment,
    Expression,
    FileContents,
    Literal,
    Output,
    Path,
    Stored,
    Unsupported,
    dotted,
)
from secrets_pipeline.references.walk import nodes
from secrets_pipeline.stacks import OUTSIDE, Unreadable, readable_problem
from secrets_pipeline.stacks.files.disk import is_file, note_file

NO_VALUE: Final = "<no value>"
"""What Go prints for a missing key, so what no secret is meant to be."""
_MAY_EXIST: Final = (UnresolvedReason.UNSETTLED, UnresolvedReason.TERRAFORM)
"""Reasons of an output that may have a value, which nobody here reads: a default would be written over it."""
_MISSING: Final = Unreadable("does not exist", "Name a file inside the repository, relative to its base path.")


def settled(scope: ComponentScope, expression: Expression) -> Expression:
    """Put defaults in the place of outputs that do not exist; an output that may exist and is not read keeps its own.

    Args:
        scope: the component that it stands in.
        expression: without variables.
    """
    whole_maps = _arguments(expression)

    def absent(output: Output) -> bool:
        problem = output_problem(scope.stack, output, whole_map_allowed=output in whole_maps)
        return problem is not None and problem.reason not in _MAY_EXIST

    return with_defaults(expression, absent)


def check(scope: ComponentScope, expression: Expression, path: Path, *, sensitive_allowed: bool = False) -> bool:
    """Collect each thing in `expression` that does not exist, and an error for each that is not allowed at `path`.

    Args:
        scope: the component that it stands in.
        expression: without variables, and settled.
        path: where it stands.
        sensitive_allowed: whether plaintext of secrets may flow there.

    Returns:
        Whether there was none.
    """
    stack = scope.stack
    before = len(stack.errors) + len(stack.unresolved)
    whole_maps = _arguments(expression)
    for node in nodes(expression):
        is_granted = crosses_reference(scope, node, path)
        match node:
            case Unsupported() | Stored():
                _check_function(scope, node, path)
            case Literal(value=str() as text) if NO_VALUE in text:
                scope.unresolvable(
                    path,
                    NO_VALUE,
                    UnresolvedReason.TEMPLATE,
                    f"a Go template here gave {NO_VALUE}: what it refers to does not exist, may not be read, or is an "
                    "output that only Terraform knows",
                    'Correct what stands between {{ and }}, give it a default: {{ .vars.x | default "…" }}, or let '
                    "Atmos render it, outputs included: --from-atmos.",
                )
            case Environment(name=name) if name not in stack.settings.environment_allowed:
                scope.unresolvable(
                    path,
                    str(node),
                    UnresolvedReason.ENVIRONMENT,
                    f"environment variable {name} is not allowed",
                    "Ask the operator to add it to environment_allowed in the settings file.",
                )
            case Environment() if not sensitive_allowed and _is_secret(scope, node):
                _refuse_variable(scope, node, path)
            case FileContents(path=file) if is_granted:
                _check_file(scope, file, path)
            case Output():
                _check_output(scope, node, path, whole_map_allowed=node in whole_maps)
                if node.sensitive and not sensitive_allowed:
                    _refuse(scope, node, path)
    return len(stack.errors) + len(stack.unresolved) == before


def _check_function(scope: ComponentScope, node: Unsupported | Stored, path: Path) -> None:
    """A function that another tool alone can resolve, or whose store is in another region."""
    here = _region(scope)
    match node:
        case Unsupported(text=text, reason=reason):
            tag = text.split()[0]
            problem, remedy = f"{tag} cannot be resolved here", f"{reason[:1].upper()}{reason[1:]}."
        case Stored(region=region) if region not in ("", here):
            tag, problem = str(node), f"the store is in {region}, and this stack is read in {here or 'no region yet'}"
            remedy = "Let the store of atmos.yaml name the region of the stack, or write the value."
        case _:
            return
    scope.unresolvable(path, tag, UnresolvedReason.ATMOS, problem, remedy)


def _region(scope: ComponentScope) -> str:
    """The region of the stack, as far as the operator or the component's own variables say it."""
    rule, said = scope.stack.settings.target(scope.stack.stack.name), scope.component.vars.get("region")
    return (rule.region if rule else None) or (said if isinstance(said, str) else "")


def _check_output(scope: ComponentScope, output: Output, path: Path, *, whole_map_allowed: bool) -> None:
    written = function_at(scope.component, path)
    problem = output_problem(scope.stack, output, whole_map_allowed=whole_map_allowed, written=written)
    if problem is None and (place := place_of_state(scope.stack, output)) is not None:
        read_state(scope, output, place, path)
    if problem is not None:
        remedy = problem.remedy
        if problem.reason is UnresolvedReason.TERRAFORM:
            of = f'"{output.stack}"' if output.stack else ".stack"
            named = f'{{{{ (atmos.Component "{output.component}" {of}).outputs.{dotted(output.path)} }}}}'
            remedy += f" With --from-atmos, Atmos reads it: {named}."
        scope.unresolvable(path, str(output), problem.reason, problem.problem, remedy)


def _arguments(expression: Expression) -> set[Expression]:
    """What functions take: a whole map may be one."""
    return {node.argument for node in nodes(expression) if isinstance(node, Call)}


def refuse_sensitive(scope: ComponentScope, value: Value, path: Path) -> None:
    """Collect an error for each secret value that a component would take in, wherever it stands."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            refuse_sensitive(scope, below, (*path, str(key)))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            refuse_sensitive(scope, below, (*path, index))
    elif isinstance(value, str) and not (isinstance(value, FunctionCall) and value.tag == "!secret"):
        # What Atmos hands to Terraform by its own means is Terraform's.
        try:
            expression = scope.read(value)
        except ExpressionError:
            return  # Terraform may understand it.
        for node in nodes(expression):
            match node:
                case Output(component=name) if node.sensitive and scope.stack.kinds.get(name) == "secretsmanager":
                    _refuse(scope, node, path)
                case Environment() if _is_secret(scope, node):
                    _refuse_variable(scope, node, path)
                case _:
                    pass


def _is_secret(scope: ComponentScope, variable: Environment) -> bool:
    """Whether the operator allows a variable, and has not called it plain."""
    settings = scope.stack.settings
    return variable.name in settings.environment_allowed and variable.name not in settings.environment_plain


def _refuse_variable(scope: ComponentScope, variable: Environment, path: Path) -> None:
    scope.error(
        path,
        f"environment variable {variable.name} is secret and must not be used here",
        f"Use it inside a secret's value, or ask the operator to write {{name: {variable.name}, secret: false}} under "
        "environment_allowed in the settings file.",
    )


def _refuse(scope: ComponentScope, output: Output, path: Path) -> None:
    scope.error(
        path,
        f"{spelled(output, function_at(scope.component, path))} is a secret value and must not be used here",
        "Use it inside another secret's value or as the password of an rds component; elsewhere "
        "write secret_arns and let the reader fetch it.",
    )


def _check_file(scope: ComponentScope, file: str, path: Path) -> None:
    base = scope.stack.base_path
    if base is None:
        parts = PurePosixPath(file)
        unreadable = OUTSIDE if parts.is_absolute() or ".." in parts.parts else None
    else:
        try:
            unreadable = readable_problem(base, file)
            missing = unreadable is not OUTSIDE and not is_file(base / file)
            if unreadable is None and not missing:
                note_file(base / file)
        except (OSError, ValueError):
            missing = True  # A name that no file can have.
        unreadable = _MISSING if missing else unreadable
    if unreadable is not None:
        reference, reason = f"${{file:{file}}}", UnresolvedReason.FILE
        scope.unresolvable(path, reference, reason, f"file {file} {unreadable.problem}", unreadable.remedy)
