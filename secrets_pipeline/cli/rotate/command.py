"""`rotate`: rotate secrets now (RotateSecret), follow them to their end, and run what follows from the new values."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from secrets_pipeline.cli.apply.command import StackRun, refuse_read_only, run_all
from secrets_pipeline.cli.rotate.access_question import reachable
from secrets_pipeline.cli.rotate.progress import RotationProgress
from secrets_pipeline.cli.shared import runs
from secrets_pipeline.cli.shared.completion import complete_secrets
from secrets_pipeline.cli.shared.confirmation import Yes, asks, confirm
from secrets_pipeline.cli.shared.console import emit_json, say, show, title
from secrets_pipeline.cli.shared.failures import FAILED, Failures
from secrets_pipeline.cli.shared.options import (
    ShowAll,
    SomeStacks,
    StackOptions,
    TableFormat,
    TableOrJson,
    reads_stacks,
)
from secrets_pipeline.cli.shared.progress import RunProgress
from secrets_pipeline.cli.shared.repository import open_stacks, with_account
from secrets_pipeline.cli.shared.run_report import SHORTENED, hint, print_checks, print_outcomes
from secrets_pipeline.cli.shared.run_view import UNCHANGED, is_error, run_json
from secrets_pipeline.cli.shared.secret_names import whole_name
from secrets_pipeline.cli.shared.tables import Table, table
from secrets_pipeline.desired.followers import followers
from secrets_pipeline.engine.grouping import OTHERS, folded, with_examples
from secrets_pipeline.engine.model import Change, ChangeClass
from secrets_pipeline.errors import Lines, SpecError
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.reconcilers.rotate_now.reconciler import DEFAULT_SECONDS, RotateReconciler

if TYPE_CHECKING:
    from secrets_pipeline.orchestration.in_process.running import CheckRow, RunReport

EPILOG = (
    "Exit codes: 0 every secret was rotated, what follows was done and no check failed; 1 otherwise, also where the "
    "answer was no. A rotation that "
    "does not end stays pending: run the command again when its cause is mended."
)


_HEAD = ("stack", "secret", "rotates", "how, or why not", "what to do")
_Row: TypeAlias = tuple[str, str, str, str, str]


@reads_stacks
def rotate(
    source: StackOptions,
    *,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Secrets by their whole names.",
            show_default=False,
            autocompletion=complete_secrets,
        ),
    ] = None,
    readable_by: Annotated[
        str | None,
        typer.Option(
            "--readable-by",
            metavar="ARN",
            help="Everything that this role or user can, or may be able to, read: after a compromise.",
            show_default=False,
        ),
    ] = None,
    stacks: SomeStacks = None,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be rotated, and how.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds to follow one rotation function.", min=1)
    ] = DEFAULT_SECONDS,
    show_all: ShowAll = False,
    output: TableOrJson = TableFormat.TABLE,
) -> None:
    """Rotate secrets now: follow the four steps, render again what is made from them, refresh who reads them, check."""
    if bool(names) == bool(readable_by):
        raise typer.BadParameter("name secrets, or a principal with --readable-by", param_hint="NAME / --readable-by")
    if not dry_run:
        refuse_read_only("rotate")
    failures, desired, known = open_stacks(source, list(dict.fromkeys(stacks)) if stacks else None)
    asked = reachable(desired, known, readable_by, failures) if readable_by else _named(desired, known, names or [])
    if not asked and not failures.texts:
        say("There is nothing to rotate.")
    if dry_run:
        rows, _ = _planned(desired, asked, failures)
        if output is TableFormat.JSON:
            emit_json({"secrets": [dict(zip(_HEAD, row, strict=True)) for row in rows], "errors": failures.texts})
        elif rows:
            _tell_plan(rows, every=show_all)
        failures.exit()
        return
    asked = {stack: asked[stack] for stack in with_account(desired, list(asked), failures)}
    if asked and asks(yes=yes):
        _ask(desired, asked, failures)
    rotated = _rotated(desired, asked, timeout, failures)
    behind = _behind(desired, [one.stack for one in rotated if _any_applied(one)])
    followed = run_all(behind, lambda stack: _followed(stack, desired), failures)
    if output is TableFormat.JSON:
        emit_json(_as_json(rotated, followed, failures))
    else:
        _tell(rotated, followed, every=show_all)
    failures.exit()
    if not all(one.success for one in rotated) or not all(one.green for one in followed):
        raise typer.Exit(FAILED)


def _named(desired: OpenRepository, stacks: Sequence[str], names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The named secrets by stack.

    Raises:
        SpecError: if none of these stacks declares one of them, or several do.
    """
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        declaring = [stack for stack in stacks if any(one.name == name for one in desired.specs[stack].secrets)]
        if not declaring:
            known = [one.name for stack in stacks for one in desired.specs[stack].secrets]
            raise SpecError(f"no stack declares a secret {name}", remedy=whole_name(name, known))
        if len(declaring) > 1:
            raise SpecError(f"stacks {', '.join(declaring)} declare {name}", remedy="Say with -s which one is meant.")
        found.setdefault(declaring[0], []).append(name)
    return {stack: tuple(found[stack]) for stack in stacks if stack in found}


def _ask(desired: OpenRepository, asked: Mapping[str, Sequence[str]], failures: Failures) -> None:
    """Show what is rotated and what follows, and ask, where there is anything to rotate.

    Raises:
        typer.Exit: if the answer is no; nothing was written then.
    """
    rows, rotating = _planned(desired, asked, failures)
    with redirect_stdout(sys.stderr):
        _tell_plan(rows, every=False)
        for stack in _behind(desired, list(rotating)):
            title(f"{stack} follows: values rendered from these are rendered again, their readers started anew")
    if number := sum(rotating.values()):
        confirm(f"Rotate {number} secret{'' if number == 1 else 's'} now?")


def _rotated(
    desired: OpenRepository, asked: Mapping[str, Sequence[str]], timeout: float, failures: Failures
) -> list[RunReport]:
    done = []
    for stack, names in asked.items():
        with failures.of(stack), RotationProgress(names) as progress:
            report = runs.rotate(stack, names, desired, progress.step, timeout)
            done.append(report)
            if report.error and not report.rows:
                failures.note(stack, Lines.of(f"stack {stack}: ", Lines(report.error), between=""))
    return done


def _any_applied(report: RunReport) -> bool:
    return any(row["outcome"] == "applied" for row in report.rows)


def _became(report: RunReport) -> str:
    """What became of the secrets that were to be rotated, as the head of their table."""
    rotated = sum(row["outcome"] == "applied" for row in report.rows)
    if not rotated:
        return "not rotated"
    return "rotated" if rotated == len(report.rows) else f"{rotated} of {len(report.rows)} rotated"


def _behind(desired: OpenRepository, stacks: Sequence[str]) -> list[str]:
    """The stacks of what was rotated, then those whose values are rendered from theirs."""
    every = [*stacks, *(other for stack in stacks for other in followers(desired.specs, stack))]
    return [stack for stack in dict.fromkeys(every) if stack not in desired.errors]


def _followed(stack: str, desired: OpenRepository) -> StackRun:
    with RunProgress(stack) as progress:
        report, checks = runs.follow(stack, desired, progress.told)
    return StackRun(report, checks)


def _planned(
    desired: OpenRepository, asked: Mapping[str, Sequence[str]], failures: Failures
) -> tuple[list[_Row], Mapping[str, int]]:
    """What would be rotated, and how many secrets that are by stack."""
    assembly, rows, rotating = desired.assemble(), list[_Row](), Counter[str]()
    for stack, names in asked.items():
        with failures.of(stack):
            changes = RotateReconciler(assembly.stack(stack), names).plan()
            rows += [(stack, *_said(change)) for change in changes]
            rotating[stack] += sum(change.action is ChangeClass.ROTATE for change in changes)
    return rows, +rotating


def _tell_plan(rows: Sequence[_Row], *, every: bool) -> None:
    def named(some: Sequence[_Row]) -> str:
        return with_examples([row[1] for row in some])

    shown = (
        rows
        if every
        else folded(
            rows,
            alike=lambda row: (row[0], *row[2:]),
            kind=lambda row: (row[0], row[2]),
            together=lambda some: (some[0][0], named(some), *some[0][2:]),
            others=lambda rest: (rest[0][0], named(rest), rest[0][2], OTHERS, ""),
        )
    )
    show(rotation_table(shown))
    if len(shown) < len(rows):
        say(SHORTENED, style="dim")


def rotation_table(rows: Iterable[_Row]) -> Table:
    """Build the table of what `--dry-run` tells: stack, secret, whether it rotates, how, and what to do."""
    return table(_HEAD, rows)


def _said(change: Change) -> tuple[str, str, str, str]:
    rotates = "yes" if change.action is ChangeClass.ROTATE else "no"
    return change.resource.name, rotates, change.reason, change.unblocked_by


def _as_json(rotated: Sequence[RunReport], followed: Sequence[StackRun], failures: Failures) -> dict[str, Any]:
    return {
        "rotated": {one.stack: run_json(one, ()) for one in rotated},
        "followed": {one.report.stack: run_json(one.report, one.checks) for one in followed},
        "errors": failures.texts,
    }


def _tell(rotated: Sequence[RunReport], followed: Sequence[StackRun], *, every: bool) -> None:
    told = [(f"{one.stack}: {_became(one)}", one.rows) for one in rotated]
    told += [(f"{run.report.stack}: what followed", run.report.rows) for run in followed]
    for head, rows in told:
        nothing = all(row["outcome"] == UNCHANGED for row in rows)
        print_outcomes(f"{head}: nothing" if nothing else head, rows, every=every)
    checks: list[CheckRow] = [check for run in followed for check in run.checks]
    print_checks(checks, every=every)
    if any(map(is_error, checks)):
        say("A check failed: `secrets-pipeline verify` looks again.", style="red")
    hint([row for _, rows in told for row in rows], checks, every=every)
