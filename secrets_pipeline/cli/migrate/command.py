"""`migrate terraform`: print how the secrets of a Terraform state come to this project; no value, no call to AWS."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from secrets_pipeline.cli.migrate.formats import as_json, as_manifests
from secrets_pipeline.cli.shared.console import emit, emit_json, say
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.options import StackOptions, reads_stacks
from secrets_pipeline.cli.shared.repository import read_asked, usable
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import GuardError, TerraformStateError, visible
from secrets_pipeline.operations.migration.declared import home_of
from secrets_pipeline.operations.migration.entries import Home
from secrets_pipeline.operations.migration.forgetting import removed_blocks
from secrets_pipeline.operations.migration.migration import Migration, migrate
from secrets_pipeline.operations.migration.state import read_state
from secrets_pipeline.operations.migration.steps import steps

app = typer.Typer(no_args_is_help=True, help="From another tool to this one: YAML, and what the other has to let go.")
EPILOG = "Exit codes: 0 printed, also where there is nothing to migrate; 1 the state or the stack cannot be read."
_STANDARD_INPUT = "-"


class MigrateFormat(StrEnum):
    """How the migration is printed."""

    TEXT = "text"
    JSON = "json"


@app.callback()
def migrating() -> None:
    """Options of the command itself."""


@app.command(epilog=EPILOG)
@reads_stacks
def terraform(
    source: StackOptions,
    *,
    state: Annotated[
        str,
        typer.Option(
            "--state",
            metavar="FILE|-",
            help="A state of format 4 (`terraform state pull`), or what `terraform show -json` or `tofu show -json` "
            "prints; - is standard input.",
        ),
    ],
    stack: Annotated[
        str | None,
        typer.Option("--stack", "-s", metavar="STACK", help="The stack that takes the secrets.", show_default=False),
    ] = None,
    component: Annotated[
        str, typer.Option("--component", metavar="NAME", help="The component for secrets of Terraform's root module.")
    ] = "secretsmanager/migrated",
    with_kms: Annotated[
        bool,
        typer.Option("--with-kms", help="Let Terraform forget the KMS keys of the secrets too, with aliases."),
    ] = False,
    with_ssm: Annotated[
        bool, typer.Option("--with-ssm", help="Write secrets that take the place of SecureString parameters, too.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            file_okay=False,
            help="Write secrets.yaml, removed.tf and steps.md there; no file is overwritten.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[MigrateFormat, typer.Option("--format", help="Output format.")] = MigrateFormat.TEXT,
) -> None:
    """Print a state's secrets as YAML, what Terraform has to forget, and the steps; no value, and no call to AWS."""
    if folder is not None and output is MigrateFormat.JSON:
        raise typer.BadParameter("-o writes YAML, HCL and Markdown", param_hint="--format")
    read = read_state(_content(state))
    failures, specs, home = _stacks(source, stack)
    migration = migrate(
        read,
        root=component,
        stack=stack or "",
        spec=specs.pop(stack or "", None),
        home=home,
        others=list(specs.values()),
        with_kms=with_kms,
        with_ssm=with_ssm,
    )
    say(f"read: {migration.read}", style="dim")
    if not migration.secrets and not migration.parameters:
        say("there is nothing to migrate: the state manages no secret of Secrets Manager and no SecureString parameter")
    for note in migration.notes:
        say(f"note: {note}", style="dim")
    if folder is not None:
        _write(folder, migration)
    elif output is MigrateFormat.JSON:
        emit_json(as_json(migration))
    elif migration.secrets or migration.parameters:
        emit("\n".join(f"# ---- {name}\n{text}" for name, text in _files(migration) if text))
    failures.exit()


def _content(state: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if state == _STANDARD_INPUT else Path(state).read_bytes()
    except OSError as error:
        problem = error.strerror or type(error).__name__
    raise TerraformStateError(
        f"the state {state} cannot be read: {problem}", remedy="Name a file, or - for standard input."
    )


def _stacks(source: StackOptions, name: str | None) -> tuple[Failures, dict[str, StackSpec], Home]:
    """The stacks, and what is known of the one that takes the secrets over; none without a name."""
    home = Home()
    if name is None:
        return Failures(), {}, home
    failures, desired = Failures(), read_asked(source, [name])
    if name in desired.errors:
        usable(desired, [name], failures)
    # A stack that declares nothing yet is as good as any: its variables say how its secrets will be named.
    with failures.of(name):
        home = home_of(desired.source.stack(name), desired.settings.target(name))
    return failures, {stack: spec for stack, spec in desired.specs.items() if stack not in desired.errors}, home


def _files(migration: Migration) -> Iterator[tuple[str, str]]:
    texts = {**as_manifests(migration), "removed.tf": removed_blocks(migration.state, migration.forgetting.blocks)}
    # Keys of instances may be any text.
    yield from ((name, visible(text, kept="\n")) for name, text in {**texts, "steps.md": steps(migration)}.items())


def _write(folder: Path, migration: Migration) -> None:
    files = dict(_files(migration))
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise GuardError(f"{folder} has {', '.join(there)} already", remedy="Name another folder, or move these away.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise GuardError(
            f"{folder} cannot be written: {error.strerror or type(error).__name__}", remedy="Name a folder of yours."
        ) from None
    say(f"written to {folder}: {', '.join(files)}")
