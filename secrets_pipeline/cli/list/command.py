"""`list stacks`: print the stacks of a repository, where they live, and what they declare; no call to AWS."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from secrets_pipeline.cli.shared.affected import touched_stacks
from secrets_pipeline.cli.shared.console import emit, emit_json, say, show
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.needed_grants import needed_grants
from secrets_pipeline.cli.shared.options import (
    AffectedOnly,
    BaseRef,
    SomeStacks,
    StackOptions,
    compared_with,
    reads_stacks,
)
from secrets_pipeline.cli.shared.repository import (
    errors_of_reading,
    known_stacks,
    meant,
    note_missing,
    read_asked,
    tell_nothing_found,
    unresolved_causes,
)
from secrets_pipeline.engine.grouping import with_examples
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.example import Home, home
from secrets_pipeline.operations.open_repository import OpenRepository

if TYPE_CHECKING:
    from secrets_pipeline.cli.shared.tables import Table

EPILOG = (
    "Exit codes: 0 listed; 1 a listed stack has errors (all are listed), a manifest of no known stack has errors, or a "
    "glob matches no stack."
)

app = typer.Typer(no_args_is_help=True, help="List stacks, with where they live and what they declare.")


class ListFormat(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    JSON = "json"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class StackRow:
    """A stack as it is listed.

    Attributes:
        stack: its name.
        account_id: as the operator's settings say, else its variables; None if nobody does.
        region: likewise.
        role_arn: the role that is assumed there; None for the caller's own credentials.
        secrets: how many it declares; None where that could not be read.
        protected: whether it is production; None likewise.
        errors: how many it has.
        needs_grants: how many grants of the operator it lacks.
    """

    stack: str
    account_id: str | None = None
    region: str | None = None
    role_arn: str | None = None
    secrets: int | None = None
    protected: bool | None = None
    errors: int = 0
    needs_grants: int = 0


@app.command("stacks", epilog=EPILOG)
@reads_stacks
def stacks_command(
    source: StackOptions,
    *,
    stacks: SomeStacks = None,
    affected: AffectedOnly = False,
    base: BaseRef = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also those that declare nothing that this project knows.")
    ] = False,
    output: Annotated[
        ListFormat, typer.Option("--format", help="table, json, or plain: names alone, a line each.")
    ] = ListFormat.TABLE,
) -> None:
    """List the stacks: where they live, how many secrets, whether protected, how many errors; no call to AWS."""
    source = replace(source, base=compared_with(base, affected=affected))
    failures, desired = Failures(), read_asked(source, stacks)
    touched = touched_stacks(source, desired)
    for name in desired.errors:
        for error in errors_of_reading(desired, name) if source.strict or not name else ():
            failures.add(name, error)
    ours, others = known_stacks(desired), desired.source.stack_names()
    names = ours if ours and not every else ours.union(others)
    if stacks:
        asked = meant(desired, stacks, failures, names)
        for name in asked:
            if name not in ours and name not in others:
                note_missing(desired.source, name, failures, unreadable="" in desired.errors)
        names = ours.union(others).intersection(asked)
    rows = [_row(desired, name) for name in sorted(names) if touched is None or name in touched.stacks]
    if output is ListFormat.JSON:
        emit_json([asdict(row) for row in rows])
    elif output is ListFormat.PLAIN:
        emit("".join(f"{row.stack}\n" for row in rows))
    elif rows:
        show(stacks_table(rows))
    if not (every or affected or stacks):
        _tell_left_out(desired, source, len(set(others).difference(ours)))
    _note_errors(rows, failures)
    failures.exit()


def _row(desired: OpenRepository, name: str) -> StackRow:
    errors, shown = len(errors_of_reading(desired, name)), desired.shown.get(name)
    spec = shown.declared if shown else desired.specs.get(name)
    if spec is not None:
        errors += len(unresolved_causes(spec, reading=True))
        at, needed = spec.target, len({one.line for one in needed_grants(spec)})
        return StackRow(name, at.account_id, at.region, at.role_arn, len(spec.secrets), spec.protected, errors, needed)
    rule, said = desired.settings.target(name), _home(desired, name)
    account_id, region, role_arn = (rule.account_id, rule.region, rule.role_arn) if rule else (None, None, None)
    account_id, region = account_id or said.account_id or None, region or said.region or None
    if errors:
        return StackRow(name, account_id, region, role_arn, errors=errors)
    return StackRow(name, account_id, region, role_arn, secrets=0, protected=False)


def _home(desired: OpenRepository, name: str) -> Home:
    try:
        return home(desired.source.stack(name))
    except SecretsPipelineError:
        # Its manifests cannot be read, which is among its errors.
        return Home("", "")


def _note_errors(rows: Collection[StackRow], failures: Failures) -> None:
    wrong = [row.stack for row in rows if row.errors and row.stack not in failures.texts]
    if wrong:
        which = "has errors" if len(wrong) == 1 else "have errors"
        failures.note("", f"{with_examples(wrong)} {which}: `secrets-pipeline tree` says each")


def stacks_table(rows: Collection[StackRow]) -> Table:
    """Build the table of stacks."""
    from secrets_pipeline.cli.shared.tables import table  # noqa: PLC0415 - rich, which json and plain do without

    columns = ("stack", "account", "region", "role", "secrets", "protected", "errors", "needs grants")
    # Few repositories lack a grant: the last column is for them.
    shown = columns if any(row.needs_grants for row in rows) else columns[:-1]
    return table(shown, (tuple(_cells(asdict(row)))[: len(shown)] for row in rows))


def _cells(row: Mapping[str, object]) -> Iterator[str]:
    for value in row.values():
        yield ("yes" if value else "") if isinstance(value, bool) or value is None else str(value)


def _tell_left_out(desired: OpenRepository, source: StackOptions, left: int) -> None:
    tell_nothing_found(desired, source)
    if left and (desired.specs or desired.errors):
        noun = "stack declares" if left == 1 else "stacks declare"
        say(f"note: {left} more {noun} nothing that this project knows: --all lists them", style="dim")
