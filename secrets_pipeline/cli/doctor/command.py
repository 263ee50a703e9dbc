"""`doctor`: print what an apply of some stacks would meet in AWS, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.doctor.experiment import clean as remove
from secrets_pipeline.cli.doctor.experiment import measure
from secrets_pipeline.cli.shared.console import emit, emit_json, show, title
from secrets_pipeline.cli.shared.failures import FAILED
from secrets_pipeline.cli.shared.options import StackOptions, TableFormat, TableOrJson, chooses_stacks
from secrets_pipeline.cli.shared.repository import open_stacks
from secrets_pipeline.cli.shared.tables import Table, table, word
from secrets_pipeline.operations.doctor.examination import examine
from secrets_pipeline.operations.doctor.model import Verdict

EPILOG = (
    "Exit codes: 0 nothing is in the way of an apply, 1 it would fail, something is unsafe, or a stack has errors; "
    "of an experiment, 1 something was not measured or is left over."
)
_COLUMNS = ("verdict", "question", "place", "about", "text", "remedy")


@chooses_stacks(all_by_default=True)
def doctor(
    source: StackOptions,
    *,
    experiment: Annotated[
        bool,
        typer.Option(
            "--experiment",
            help="Measure AWS itself instead: make throw-away resources, after a question, and remove them.",
        ),
    ] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Remove what interrupted experiments left.")] = False,
    region: Annotated[
        str, typer.Option("--region", help="Where, with --experiment or --clean.", show_default=False)
    ] = "",
    with_database: Annotated[
        bool, typer.Option("--with-database", help="Also measure an RDS instance: 15 minutes more.")
    ] = False,
    replica_region: Annotated[
        str, typer.Option("--replica-region", help="Also measure replicas of a secret, there.", show_default=False)
    ] = "",
    beliefs: Annotated[
        list[str] | None,
        typer.Option("--belief", metavar="ID", help="Of the experiment, this part alone.", show_default=False),
    ] = None,
    contract: Annotated[
        Path | None,
        typer.Option("--contract", metavar="FILE", help="Where the experiment writes what it measured."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nobody.")] = False,
    output: TableOrJson = TableFormat.TABLE,
) -> None:
    """Ask AWS what an apply of these stacks would meet: identity, clock, rights, keys, databases, events, readers.

    Reads only. Each answer is fine, advised, will fail, unsafe, or unknown, with its remedy. With --experiment no stack
    is read: what this project believes of AWS is measured in the caller's account, and written to a contract file.
    """
    of_experiments = (region, replica_region, beliefs, contract, with_database)
    if experiment or clean:
        chosen = source.names or source.base
        if not region or (experiment and clean) or (clean and any(of_experiments[1:])) or chosen:
            raise typer.BadParameter(
                "name a --region and no stack, and one of --experiment and --clean, which takes --yes alone besides",
                param_hint="--experiment / --clean",
            )
        if clean:
            remove(region, yes=yes)
        else:
            measure(region, replica_region, contract, named=beliefs or (), with_database=with_database, yes=yes)
        return
    if yes or any(of_experiments):
        raise typer.BadParameter("only --experiment and --clean take it", param_hint="--region, --yes and the like")
    failures, desired, stacks = open_stacks(source, source.names)
    rows = list(examine(desired.assemble(Sessions(read_only=True)), stacks))
    plain = [row.plain() for row in rows]
    if output is TableFormat.JSON:
        emit_json({"answers": plain, "errors": failures.texts})
    elif rows:
        show(answers_table(plain))
        emit("")
        counted = Counter(row.answer.verdict for row in rows)
        title(", ".join(f"{counted[verdict]} {verdict}" for verdict in Verdict))
    failures.exit()
    if any(row.answer.verdict in (Verdict.WILL_FAIL, Verdict.UNSAFE) for row in rows):
        raise typer.Exit(FAILED)


def answers_table(answers: Iterable[Mapping[str, str]]) -> Table:
    """Build the table of answers, as `ExaminedRow.plain` gives them."""
    return table(_COLUMNS, ([word(one["verdict"]), *(one[name] for name in _COLUMNS[1:])] for one in answers))
