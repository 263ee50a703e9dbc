"""`verify`: run every Dagster asset check, values and logins included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from secrets_pipeline.cli.shared import runs
from secrets_pipeline.cli.shared.console import emit_json, title
from secrets_pipeline.cli.shared.failures import FAILED
from secrets_pipeline.cli.shared.options import ShowAll, StackOptions, TableFormat, TableOrJson, chooses_stacks
from secrets_pipeline.cli.shared.progress import RunProgress
from secrets_pipeline.cli.shared.repository import open_stacks, tell_unnamed_accounts
from secrets_pipeline.cli.shared.run_report import hint, print_checks
from secrets_pipeline.cli.shared.run_view import check_counts, check_json, is_error, not_looked_at

if TYPE_CHECKING:
    from secrets_pipeline.orchestration.in_process.running import CheckRow

EPILOG = (
    "Exit codes: 0 no check failed (warnings are listed), 1 a check failed, or AWS could not be asked about a stack."
)


@chooses_stacks(all_by_default=True)
def verify(
    source: StackOptions,
    *,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe",
            help="Also assume each consumer's role, ask for its secrets and drop them: AWS's answers are compared with "
            "what the policies say.",
        ),
    ] = False,
    show_all: ShowAll = False,
    output: TableOrJson = TableFormat.TABLE,
) -> None:
    """Run every check: resources as declared, values current, databases accept logins, consumers read and no others."""
    failures, desired, stacks = open_stacks(source, source.names)
    tell_unnamed_accounts(desired, stacks)
    rows: list[CheckRow] = []
    for stack in stacks:
        with failures.of(stack), RunProgress(stack, lines=False) as progress:
            rows.extend(runs.verify(stack, desired, progress.told, probe=probe))
    if output is TableFormat.JSON:
        checks = [check_json(row) for row in rows]
        emit_json({"checks": checks, "not_asked": not_looked_at(rows), "errors": failures.texts})
    else:
        print_checks(rows, every=show_all)
        if not (rows or failures.texts):
            title(check_counts(rows))
        hint((), rows, every=show_all)
    failures.exit()
    if any(is_error(row) or row.unknown for row in rows):
        raise typer.Exit(FAILED)
