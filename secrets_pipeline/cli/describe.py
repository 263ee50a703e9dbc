"""`describe stacks` and `describe component`: what Atmos would say, in the shape in which it says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

import typer
import yaml

from secrets_pipeline.cli.console import emit, emit_json, show
from secrets_pipeline.cli.failures import Failures
from secrets_pipeline.cli.masking import masked, plain
from secrets_pipeline.cli.options import AllowExec, BasePath, OneStack, StackFilter, repository
from secrets_pipeline.cli.tables import table
from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks import Component, Repository, Resolution

EPILOG = "Exit codes: 0 everything was resolved, 1 something was not; what was resolved is printed all the same."

app = typer.Typer(no_args_is_help=True, help="Show stacks and components as Atmos resolves them.")


class Format(StrEnum):
    """How stacks are printed."""

    YAML = "yaml"
    JSON = "json"
    TABLE = "table"


class Switch(StrEnum):
    """A boolean that is spelled out, as Atmos takes it."""

    TRUE = "true"
    FALSE = "false"


FormatOption: TypeAlias = Annotated[Format, typer.Option("--format", "-f", help="Output format.")]
ProcessFunctions: TypeAlias = Annotated[
    Switch,
    typer.Option(
        "--process-functions", case_sensitive=False, help="Evaluate `!env` and the like; else show their text."
    ),
]
ShowValues: TypeAlias = Annotated[
    bool, typer.Option("--show-values", help="Show what `secret_data` says; it is masked otherwise.")
]


@app.command(epilog=EPILOG)
def stacks(
    *,
    base_path: BasePath = None,
    stack: StackFilter = None,
    output: FormatOption = Format.YAML,
    process_functions: ProcessFunctions = Switch.TRUE,
    allow_exec: AllowExec = False,
    show_values: ShowValues = False,
) -> None:
    """Print every stack with its components, in the shape of `atmos describe stacks`."""
    repo = Repository.open(repository(base_path), allow_exec=allow_exec)
    failures = Failures()
    resolution = _resolve(repo, stack, process_functions, failures)
    if output is Format.TABLE:
        found = (c for one in resolution.stacks.values() for kind in one.components.values() for c in kind.values())
        _print_table(found)
    else:
        _print(repo.describe(resolution), output, show_values=show_values)
    failures.exit()


@app.command(epilog=EPILOG)
def component(
    name: Annotated[str, typer.Argument(metavar="COMPONENT", help="The component, for example secretsmanager/api.")],
    *,
    stack: OneStack,
    base_path: BasePath = None,
    output: FormatOption = Format.YAML,
    process_functions: ProcessFunctions = Switch.TRUE,
    allow_exec: AllowExec = False,
    show_values: ShowValues = False,
) -> None:
    """Print one component of one stack, in the shape of `atmos describe component`."""
    repo = Repository.open(repository(base_path), allow_exec=allow_exec)
    failures = Failures()
    resolution = _resolve(repo, stack, process_functions, failures)
    if stack not in resolution.stacks:
        raise typer.Exit(1)
    found = _component(resolution, stack, name)
    if output is Format.TABLE:
        _print_table([found])
    else:
        _print(found.sections, output, show_values=show_values)
    failures.exit()


def _resolve(repo: Repository, stack: str | None, process_functions: Switch, failures: Failures) -> Resolution:
    wanted = None if stack is None else [stack]
    resolution = repo.resolve(wanted, process_functions=process_functions is Switch.TRUE)
    for error in resolution.errors:
        failures.add((error.where.stack if error.where else None) or "", error)
    if stack is not None and stack not in resolution.stacks and not failures.texts:
        with failures.of(stack):
            # Raises, and names near misses.
            repo.stack(stack)
    return resolution


def _component(resolution: Resolution, stack: str, name: str) -> Component:
    kinds = resolution.stacks[stack].components
    for components in kinds.values():
        if name in components:
            return components[name]
    known = ", ".join(sorted(name for components in kinds.values() for name in components)) or "none"
    raise StackError(f"stack {stack} has no component {name!r}", remedy=f"It has: {known}.")


def _print(tree: Mapping[str, Any], output: Format, *, show_values: bool) -> None:
    shown = plain(tree if show_values else masked(tree))
    if output is Format.JSON:
        emit_json(shown)
    else:
        emit(yaml.safe_dump(shown, sort_keys=True, allow_unicode=True, width=10_000))


def _print_table(components: Iterable[Component]) -> None:
    rows = [
        (
            found.stack,
            found.name,
            found.base,
            "abstract" if found.abstract else "" if found.enabled else "disabled",
            found.manifest,
        )
        for found in components
    ]
    show(table(("stack", "component", "is a", "", "manifest"), rows))
