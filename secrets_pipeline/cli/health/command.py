"""`health`: print whether daemons, sensors, verifications and the queue of a deployment are well, from its storage."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from secrets_pipeline.cli.shared.console import emit_json, say, show
from secrets_pipeline.cli.shared.failures import FAILED
from secrets_pipeline.cli.shared.options import ConfigFile, TableFormat, TableOrJson, use_settings
from secrets_pipeline.cli.shared.tables import Table, table, word
from secrets_pipeline.operations.open_repository import operator_settings

if TYPE_CHECKING:
    from secrets_pipeline.orchestration.health.model import Finding
    from secrets_pipeline.orchestration.in_process.health import Health

EPILOG = "Exit codes: 0 all is well, 1 something is not, or the storage cannot be read."
_COLUMNS = ("what", "name", "state", "since", "do next")
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_UNITS = ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes"), (1, "seconds"))


def health(
    *,
    verified_within: Annotated[
        int | None,
        typer.Option(
            "--verified-within",
            metavar="HOURS",
            min=1,
            help="How old the last verification of a stack may be; by default `alerts.verified_within_hours` or 26.",
            show_default=False,
        ),
    ] = None,
    queued_within: Annotated[
        int,
        typer.Option(
            "--queued-within",
            metavar="MINUTES",
            min=1,
            help="How long a run may wait in the queue, or for its process.",
        ),
    ] = 15,
    silent_within: Annotated[
        int,
        typer.Option(
            "--silent-within",
            metavar="MINUTES",
            min=1,
            help="How long a daemon or sensor may be silent.",
        ),
    ] = 5,
    config: ConfigFile = None,
    output: TableOrJson = TableFormat.TABLE,
) -> None:
    """Tell whether the deployment watches: daemons, ticks of sensors, age of verifications, waits in the queue.

    Reads the storage of Dagster that DAGSTER_HOME names. Asks neither AWS nor the repository, so it also works when
    they are what is down.
    """
    # Dagster takes 1.6 s to import, which the help need not wait for.
    from secrets_pipeline.orchestration.health.model import HealthBounds  # noqa: PLC0415 - see above
    from secrets_pipeline.orchestration.in_process.health import look  # noqa: PLC0415 - see above

    use_settings(config)
    hours = operator_settings().alerts.verified_within_hours if verified_within is None else verified_within
    found = look(HealthBounds(hours, queued_within, silent_within))
    wrong = [one for one in found.findings if not one.is_well]
    is_well = bool(found.findings) and not wrong
    if output is TableFormat.JSON:
        emit_json({"well": is_well, "home": str(found.home), "findings": [_plain(one) for one in found.findings]})
    elif found.findings:
        show(findings_table(found.findings, time.time()))
    if not found.findings:
        say(_nothing(found), style="red")
    elif wrong:
        entries = ", ".join(dict.fromkeys(one.entry for one in wrong))
        say(f"not well: {len(wrong)} of {len(found.findings)}; in the runbook: {entries}", style="red")
    else:
        say(f"all is well: {len(found.findings)} looked at", style="green")
    raise typer.Exit(0 if is_well else FAILED)


def findings_table(findings: Sequence[Finding], now: float) -> Table:
    """Build the table of what was looked at.

    Args:
        findings: of each part.
        now: seconds since 1970.
    """
    return table(_COLUMNS, _rows(findings, now))


def _nothing(found: Health) -> str:
    nothing = "no daemon has run here" if found.has_runs else "nothing has run here"
    return (
        f"{nothing}: DAGSTER_HOME {found.home} knows no heartbeat of a daemon and no tick of a sensor. "
        "Set DAGSTER_HOME, and the variables of its storage, as the deployment has them; or start dagster-daemon."
    )


def _rows(findings: Sequence[Finding], now: float) -> Iterator[tuple[str | Text, ...]]:
    """One row a part; stacks that are well are one row, as there may be a thousand."""
    stacks = [one for one in findings if one.part == "stack" and one.is_well]
    for one in findings:
        if one not in stacks:
            yield str(one.part), one.name, word(str(one.state)), _since(one.since, now), _do(one)
        elif one is stacks[0]:
            verified = [stack.since for stack in stacks if stack.since is not None]
            oldest = _since(min(verified), now) if verified else _since(None, now)
            yield "stack", f"{len(stacks)} of {_count(findings)}", word("well"), oldest, ""


def _count(findings: Sequence[Finding]) -> int:
    return sum(one.part == "stack" for one in findings)


def _do(one: Finding) -> str:
    return f"{one.remedy} Runbook: {one.entry}." if one.remedy else ""


def _since(at: float | None, now: float) -> str:
    if at is None:
        return "never"
    seconds = max(now - at, 0)
    size, unit = next((one for one in _UNITS if seconds >= 2 * one[0]), _UNITS[-1])
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC, {int(seconds // size)} {unit} ago"


def _plain(one: Finding) -> dict[str, str | None]:
    return {
        "part": str(one.part),
        "name": one.name,
        "state": str(one.state),
        "since": None if one.since is None else f"{datetime.fromtimestamp(one.since, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "remedy": one.remedy,
        "runbook": one.entry,
    }
