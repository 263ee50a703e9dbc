"""Measure on AWS what this project believes of it, after a question; remove it all, and write a contract file."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer
from botocore.config import Config

from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.cli.apply.command import refuse_read_only
from secrets_pipeline.cli.shared.console import emit, say, show, title
from secrets_pipeline.cli.shared.failures import FAILED
from secrets_pipeline.cli.shared.interrupts import ended_by_signals
from secrets_pipeline.cli.shared.tables import Table, table
from secrets_pipeline.desired.base import Target
from secrets_pipeline.operations.experiment.beliefs.model import Belief
from secrets_pipeline.operations.experiment.contract import Contract, Measured, plain
from secrets_pipeline.operations.experiment.experiment import BELIEFS, Experiment, file_name
from secrets_pipeline.operations.experiment.removal import KINDS, Removal

_COLUMNS = ("belief", "AWS", "seconds")
# Whoever measures refusals may not have botocore repeat them.
_AT_ONCE = Config(retries={"total_max_attempts": 1})


def measure(
    region: str, replica_region: str, path: Path | None, *, named: Sequence[str], with_database: bool, yes: bool
) -> None:
    """Measure beliefs in the caller's account, remove what was made, and write the contract file.

    Args:
        region: where.
        replica_region: another one; empty for no replica.
        path: of the file; None for one that is named after date, partition and region, in the current folder.
        named: ids of beliefs; none for all.
        with_database: whether a database is made, too.
        yes: whether nobody is asked.

    Raises:
        AwsError: if AWS cannot be reached.
        GuardError: if SECRETS_PIPELINE_READ_ONLY is set.
        typer.Exit: 1 if a belief was not measured, or something is left.
    """
    refuse_read_only("doctor --experiment", "secrets-pipeline doctor")
    sessions = Sessions(config=_AT_ONCE)
    account = sessions.for_target(Target(region=region))
    allowed = {name for name, given in (("database", with_database), ("replica", replica_region)) if given}
    beliefs = [one for one in BELIEFS if (not one.needs or one.needs in allowed) and (not named or one.id in named)]
    if len(beliefs) < len(named):
        possible = ", ".join(one.id for one in BELIEFS)
        raise typer.BadParameter(f"name some of {possible}", param_hint="--belief")
    file = path or Path(file_name(account))
    if file.exists() or not os.access(file.parent, os.W_OK):
        raise typer.BadParameter(f"{file} exists, or cannot be written", param_hint="--contract")
    experiment = Experiment(account, replica_region=replica_region)
    say(f"{_where(account)}: {len(beliefs)} beliefs are measured with throw-away resources ({_counted(beliefs)}).")
    say(f"All are named {experiment.prefix}…, take some cents and about ten minutes, and are removed at the end.")
    _ask("Make them?", yes=yes)
    measured: list[Measured] = []
    with ended_by_signals():
        try:
            with sessions.patience.none():
                for one in experiment.measured(beliefs):
                    measured.append(one)
                    say(f"{one.belief}: {one.unmeasured or 'measured'}")
        finally:
            say("Removing …")
            # With patience: what was made a moment ago may not be visible yet.
            left = _removed(experiment.removal)
    contract = experiment.contract(measured)
    file.write_text(json.dumps(plain(contract), indent=1, ensure_ascii=False) + "\n")
    show(measured_table(contract))
    emit("")
    unmeasured = sum(bool(one.unmeasured) for one in measured)
    title(f"{len(measured) - unmeasured} measured, {unmeasured} not, {left} left over; written to {file}")
    if unmeasured or left:
        raise typer.Exit(FAILED)


def clean(region: str, *, yes: bool) -> None:
    """Remove what interrupted experiments left in the caller's account, after a question.

    Args:
        region: where.
        yes: whether nobody is asked.

    Raises:
        AwsError: if AWS does not list something.
        GuardError: if SECRETS_PIPELINE_READ_ONLY is set.
        typer.Exit: 1 if something is left.
    """
    refuse_read_only("doctor --clean", "secrets-pipeline doctor")
    account = Sessions().for_target(Target(region=region))
    removal = Removal(account)
    removal.find()
    if not removal.names:
        emit(f"{_where(account)}: no experiment left anything; looked for {', '.join(kind.what for kind in KINDS)}.")
        return
    emit(f"{_where(account)}: experiments left")
    for what, name in removal.names:
        emit(f"  {what} {name}")
    _ask("Remove them?", yes=yes)
    count = len(removal.names)
    left = _removed(removal)
    title(f"{count - left} removed, {left} left over")
    if left:
        raise typer.Exit(FAILED)


def _where(account: AwsAccount) -> str:
    return f"Account {account.account_id}, {account.region}"


def _counted(beliefs: Sequence[Belief]) -> str:
    made = Counter(
        kind.what for belief in beliefs for step in belief.steps for kind in KINDS if kind.made_by == step.operation
    )
    return ", ".join(f"{what}: {count}" for what, count in made.items())


def _ask(question: str, *, yes: bool) -> None:
    if not yes and not typer.confirm(question, err=True):
        raise typer.Exit(FAILED)


def _removed(removal: Removal) -> int:
    """Remove all; say and count what is left."""
    left = list(removal.remove())
    for one in left:
        say(f"left over: {one.what} {one.name}: {one.why}", style="red")
    if left:
        say("Run `secrets-pipeline doctor --clean` with the same region later.")
    return len(left)


def measured_table(contract: Contract) -> Table:
    """Build the table of what was measured."""
    return table(_COLUMNS, _rows(contract))


def _rows(contract: Contract) -> Iterator[Sequence[str]]:
    for one in contract.measured:
        yield one.belief, one.unmeasured or one.believed, ""
        for exchange in one.exchanges:
            last = exchange.answers[-1]
            if exchange.step.measures:
                yield "", f"{exchange.step.measures}{_first(exchange.answers[0].code)}", f"{last.seconds:.1f}"
            elif exchange.step.refused:
                yield "", f"{exchange.step.operation}: {last.code or 'not refused'}", ""


def _first(code: str) -> str:
    return f" ({code} until then)" if code else ""
