"""`doctor`: print what an apply of some stacks would meet in AWS, and what to do about it."""

from __future__ import annotations

from collections import Counter

import typer

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.shared.console import emit, emit_json, show, title
from secrets_pipeline.cli.shared.failures import FAILED
from secrets_pipeline.cli.shared.options import StackOptions, TableFormat, TableOrJson, chooses_stacks
from secrets_pipeline.cli.shared.repository import open_stacks
from secrets_pipeline.cli.shared.tables import table, word
from secrets_pipeline.operations.doctor.examination import examine
from secrets_pipeline.operations.doctor.model import Verdict

EPILOG = "Exit codes: 0 nothing is in the way of an apply, 1 it would fail, or a stack has errors."
_COLUMNS = ("verdict", "question", "place", "about", "text", "remedy")


@chooses_stacks(all_by_default=True)
def doctor(source: StackOptions, *, output: TableOrJson = TableFormat.TABLE) -> None:
    """Ask AWS what an apply of these stacks would meet: identity, clock, rights, keys, databases, events, readers.

    Reads only. Each answer is fine, advised, will fail, or unknown, with its remedy.
    """
    failures, desired, stacks = open_stacks(source, source.names)
    rows = list(examine(desired.assemble(Sessions(read_only=True)), stacks))
    plain = [row.plain() for row in rows]
    if output is TableFormat.JSON:
        emit_json({"answers": plain, "errors": failures.texts})
    elif rows:
        show(table(_COLUMNS, ([word(one["verdict"]), *(one[name] for name in _COLUMNS[1:])] for one in plain)))
        emit("")
        counted = Counter(row.answer.verdict for row in rows)
        title(", ".join(f"{counted[verdict]} {verdict}" for verdict in Verdict))
    failures.exit()
    if any(row.answer.verdict is Verdict.WILL_FAIL for row in rows):
        raise typer.Exit(FAILED)
