"""`outputs`: print ARNs, names and version ids of a stack's secrets, read from AWS. Never values."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.outputs.formats import Outputs, as_ecs, as_env, as_tfvars
from secrets_pipeline.cli.outputs.rollout_hints import rollout_hints
from secrets_pipeline.cli.shared.console import emit, emit_json
from secrets_pipeline.cli.shared.options import OneStack, StackOptions, reads_stacks
from secrets_pipeline.cli.shared.repository import open_stack
from secrets_pipeline.references.model import Output
from secrets_pipeline.references.resolve import Plain

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack
    from secrets_pipeline.references.model import Json

EPILOG = "Exit codes: 0 every declared secret was found, 1 one was not (the others are printed), or another error."
NAMES = ("secret_arns", "secret_ids", "secret_names", "secret_versions", "rotation_enabled_secrets")


class OutputFormat(StrEnum):
    """How outputs are printed."""

    JSON = "json"
    ENV = "env"
    TFVARS = "tfvars"
    ECS = "ecs"


@reads_stacks
def outputs(
    source: StackOptions,
    *,
    stack: OneStack,
    output: Annotated[
        OutputFormat,
        typer.Option("--format", help="json; env: NAME_ARN=… lines; tfvars: HCL; ecs: `secrets` of a container."),
    ] = OutputFormat.JSON,
) -> None:
    """Print what a stack's secretsmanager components hand to others, read from AWS now. Never a secret value."""
    failures, desired, usable = open_stack(source, stack)
    for name in usable:
        opened = desired.assemble(Sessions(read_only=True)).stack(name)
        found = stack_outputs(opened)
        if output is OutputFormat.JSON:
            for component, hints in rollout_hints(opened).items():
                found.setdefault(component, {})["rollout_hints"] = hints
        for missing in _missing(opened, found):
            failures.note(name, f"secret {missing} does not exist; `secrets-pipeline apply -s {name}` makes it")
        emit_outputs(found, output)
    failures.exit()


def stack_outputs(stack: Stack) -> dict[str, dict[str, dict[str, Json]]]:
    """Return the outputs of every secretsmanager component of a stack, as far as its secrets exist."""
    found: dict[str, dict[str, dict[str, Json]]] = {}
    for component, kind in stack.spec.components.items():
        if kind == "secretsmanager":
            found[component] = {name: {} for name in NAMES}
    for secret in stack.spec.secrets:
        for name in NAMES:
            match stack.resolve.output(Output(secret.ref.component, (name, secret.ref.key))):
                case Plain(value=value):
                    found[secret.ref.component][name][secret.ref.key] = value
                case _:
                    continue
    return found


def emit_outputs(found: Outputs, output: OutputFormat) -> None:
    """Print outputs in one of the formats; no line at all where there is nothing to say."""
    if output is OutputFormat.JSON:
        emit_json(found)
    elif output is OutputFormat.ECS:
        emit_json(as_ecs(found))
    else:
        text = as_env(found) if output is OutputFormat.ENV else as_tfvars(found)
        if text:
            emit(text)


def _missing(stack: Stack, found: Outputs) -> list[str]:
    return [s.name for s in stack.spec.secrets if s.ref.key not in found[s.ref.component]["secret_arns"]]
