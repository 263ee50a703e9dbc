"""`describe stacks` and `describe component`: print resolved stacks in the shape in which Atmos prints them."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

import typer
import yaml

from secrets_pipeline.cli.describe.masking import Masking, masked, plain, taken_in
from secrets_pipeline.cli.shared.console import emit, emit_json, show
from secrets_pipeline.cli.shared.failures import FAILED, Failures
from secrets_pipeline.cli.shared.options import OneStack, SomeStacks, StackOptions, reads_stacks
from secrets_pipeline.cli.shared.repository import note_missing, only, tell_notices
from secrets_pipeline.cli.shared.tables import Table, table
from secrets_pipeline.cli.shared.workflow_commands import has_command
from secrets_pipeline.desired.stack_globs import expanded, is_glob, no_match
from secrets_pipeline.errors import StackError, visible
from secrets_pipeline.golang.values import Value
from secrets_pipeline.operations.open_repository import open_stacks, operator_settings
from secrets_pipeline.stacks import Component, Resolution, StackSource, open_source

TAG_OF_TEXT = "tag:yaml.org,2002:str"
EPILOG = (
    "Exit codes: 0 everything asked for was resolved, 1 something was not. What was resolved is printed all the same, "
    "whole stacks only (of components that two manifests declare differently, the first, as in Atmos); errors are on "
    "stderr. With --strict nothing is, if any stack has an error."
)

app = typer.Typer(no_args_is_help=True, help="Show stacks and components as Atmos resolves them.")


class DescribeFormat(StrEnum):
    """How stacks are printed."""

    YAML = "yaml"
    JSON = "json"
    TABLE = "table"


class Switch(StrEnum):
    """A boolean that is spelled out, as Atmos takes it."""

    TRUE = "true"
    FALSE = "false"


FormatOption: TypeAlias = Annotated[DescribeFormat, typer.Option("--format", "-f", help="Output format.")]
ProcessFunctions: TypeAlias = Annotated[
    Switch,
    typer.Option(
        "--process-functions", case_sensitive=False, help="Evaluate `!env` and the like; else show their text."
    ),
]
ProcessTemplates: TypeAlias = Annotated[
    Switch,
    typer.Option("--process-templates", case_sensitive=False, help="Render templates in components; else show them."),
]
ShowValues: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--show-values",
        help="Show what `secret_data` says, and the variables that it takes in; both are masked otherwise.",
    ),
]
AllEnvironment: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--all-environment",
        help="Let the YAML read every variable of the environment, and evaluate `!random`, as Atmos does. Without it, "
        "YAML reads what it reads in `plan`: what environment_allowed of the operator's settings lists as not secret.",
    ),
]


def _names(option: str, text: str) -> typer.models.OptionInfo:
    """An option that takes names with commas between them, and may be repeated."""
    info: typer.models.OptionInfo = typer.Option(option, metavar="NAME,…", help=text, show_default=False)
    return info


@app.command(epilog=EPILOG)
@reads_stacks
def stacks(
    source: StackOptions,
    *,
    stack: SomeStacks = None,
    components: Annotated[
        list[str] | None, _names("--components", "Only these components, and those that are made of them.")
    ] = None,
    component_types: Annotated[list[str] | None, _names("--component-types", "Only these kinds: terraform …")] = None,
    sections: Annotated[list[str] | None, _names("--sections", "Only these sections: vars, settings …")] = None,
    output: FormatOption = DescribeFormat.YAML,
    process_functions: ProcessFunctions = Switch.TRUE,
    process_templates: ProcessTemplates = Switch.TRUE,
    show_values: ShowValues = False,
    all_environment: AllEnvironment = False,
) -> None:
    """Print every stack with its components, in the shape of `atmos describe stacks`."""
    failures = Failures()
    found, merged = _resolve(
        source,
        stack,
        failures,
        functions=process_functions,
        templates=process_templates,
        all_environment=all_environment,
        keep_conflicting=True,
    )
    chosen = list(_chosen(found, _split(components), _split(component_types)))
    if output is DescribeFormat.TABLE:
        show(components_table(chosen))
    else:
        _print(_tree(chosen, _split(sections), _hiding(merged, show_values=show_values)), output)
    failures.exit()


@app.command(epilog=EPILOG)
@reads_stacks
def component(
    source: StackOptions,
    name: Annotated[str, typer.Argument(metavar="COMPONENT", help="The component, for example secretsmanager/api.")],
    *,
    stack: OneStack,
    output: FormatOption = DescribeFormat.YAML,
    process_functions: ProcessFunctions = Switch.TRUE,
    process_templates: ProcessTemplates = Switch.TRUE,
    show_values: ShowValues = False,
    all_environment: AllEnvironment = False,
) -> None:
    """Print one component of one stack, in the shape of `atmos describe component`."""
    failures = Failures()
    found, merged = _resolve(
        source,
        stack,
        failures,
        functions=process_functions,
        templates=process_templates,
        all_environment=all_environment,
        keep_failing=True,
    )
    if not found.stacks:
        raise typer.Exit(FAILED)
    (meant,) = found.stacks
    one = _component(found, meant, name)
    for error in one.failures:
        failures.add(meant, error)
    if one.failures:
        failures.exit()
    if output is DescribeFormat.TABLE:
        show(components_table([one]))
    else:
        _print(_hiding(merged, show_values=show_values)(one.sections), output)
    failures.exit()


def _resolve(
    asked: StackOptions,
    named: list[str] | str | None,
    failures: Failures,
    *,
    functions: Switch,
    templates: Switch,
    all_environment: bool,
    keep_conflicting: bool = False,
    keep_failing: bool = False,
) -> tuple[Resolution, Resolution]:
    """The stacks that were asked for, as far as they are whole, and as merged; what is wrong with them is said.

    Of a `str`, exactly one stack.
    """
    render = templates is Switch.TRUE
    source = _open(asked, all_environment=all_environment, render=render)
    stacks = None if named is None else _meant(source, named, failures)
    resolution = source.resolve(
        None if asked.strict else stacks,
        process_functions=functions is Switch.TRUE,
        process_templates=render,
        keep_conflicting=keep_conflicting,
        keep_failing=keep_failing,
    )
    tell_notices(source.notices)
    missing = [name for name in stacks or () if name not in resolution.stacks]
    for error in resolution.errors:
        stack = (error.where.stack if error.where else None) or ""
        # An error that belongs to no stack may be one of any.
        if asked.strict or stacks is None or stack in stacks or not stack:
            failures.add(stack, error)
    if asked.strict and failures.texts:
        return Resolution({}, resolution.errors), resolution
    for name in missing:
        if name not in failures.texts:
            note_missing(source, name, failures, unreadable="" in failures.texts)
    wanted = {name: stack for name, stack in resolution.stacks.items() if stacks is None or name in stacks}
    merged = source.resolve(
        list(wanted),
        process_functions=False,
        process_templates=False,
        keep_conflicting=keep_conflicting,
        keep_failing=True,
    )
    return Resolution(wanted, resolution.errors), merged


def _open(asked: StackOptions, *, all_environment: bool, render: bool) -> StackSource:
    origin, base_path, allow_exec = asked.origin, asked.base_path, asked.allow_exec
    if all_environment:
        return open_source(origin, base_path, allow_exec=allow_exec, process_templates=render)
    return open_stacks(base_path, operator_settings(), origin=origin, allow_exec=allow_exec, process_templates=render)


def _meant(source: StackSource, named: list[str] | str, failures: Failures) -> list[str]:
    """The stacks that names and globs mean; where there is no glob, nothing is read yet."""
    asked = [named] if isinstance(named, str) else named
    known = source.stack_names() if any(map(is_glob, asked)) else ()
    if isinstance(named, str):
        asked = [only(named, known)]
    found = expanded(asked, known)
    for glob in (glob for glob, matched in found.items() if not matched):
        failures.add(glob, no_match(glob, known))
    return list(dict.fromkeys(stack for matched in found.values() for stack in matched))


def _split(names: list[str] | None) -> frozenset[str] | None:
    """Names of an option, None for all."""
    return frozenset(part.strip() for text in names for part in text.split(",")) if names else None


def _chosen(
    resolution: Resolution, names: Collection[str] | None, kinds: Collection[str] | None
) -> Iterable[Component]:
    """Components by kind, and by name or by the component that they are made of, as Atmos filters them."""
    for stack in resolution.stacks.values():
        for kind, components in stack.components.items():
            if kinds is None or kind in kinds:
                for found in components.values():
                    if names is None or found.name in names or found.base in names:
                        yield found


def _hiding(merged: Resolution, *, show_values: bool) -> Masking:
    """What hides the values of components, those included that stand in a variable of any of these stacks."""
    if show_values:
        return lambda sections: sections
    stacks = merged.stacks.values()
    taken = taken_in(one for stack in stacks for kind in stack.components.values() for one in kind.values())
    return lambda sections: masked(sections, taken)


def _tree(components: Iterable[Component], sections: Collection[str] | None, hide: Masking) -> dict[str, Any]:
    """Stack → `components` → kind → name → sections; a stack without any section is left out, as in Atmos."""
    tree: dict[str, Any] = {}
    for found in components:
        shown = {key: value for key, value in hide(found.sections).items() if sections is None or key in sections}
        kinds = tree.setdefault(found.stack, {"components": {}})["components"]
        kinds.setdefault(found.kind, {})[found.name] = shown
    return {
        stack: entry
        for stack, entry in tree.items()
        if any(shown for kind in entry["components"].values() for shown in kind.values())
    }


def _component(resolution: Resolution, stack: str, name: str) -> Component:
    kinds = resolution.stacks[stack].components
    for components in kinds.values():
        if name in components:
            return components[name]
    known = ", ".join(sorted(name for components in kinds.values() for name in components)) or "none"
    raise StackError(f"stack {stack} has no component {name!r}", remedy=f"It has: {known}.")


def _print(tree: Mapping[str, Any], output: DescribeFormat) -> None:
    shown = plain(tree)
    if output is DescribeFormat.JSON:
        emit_json(_finite(shown))
    else:
        text = yaml.dump(shown, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=sys.maxsize)
        if text != visible(text, kept="\n"):
            text = yaml.dump(shown, Dumper=_Dumper, sort_keys=True, width=sys.maxsize)
        emit(text.replace("##[", "#\\x23["))


class _Dumper(yaml.SafeDumper):
    """Writes a text in quotes, on one line, where the runner of GitHub Actions would find a command in it."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar(TAG_OF_TEXT, text, style='"' if has_command(text) else None)


_Dumper.add_representer(str, _Dumper.represent_text)


def _finite(value: Value) -> Value:
    """The same tree with `.inf` and `.nan`, which JSON has not, as text."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return value if not isinstance(value, float) or math.isfinite(value) else f".{value}".replace(".-", "-.")


def components_table(components: Iterable[Component]) -> Table:
    """Build the table of components."""
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
    return table(("stack", "component", "is a", "state", "manifest"), rows)
