"""Tell by the evaluations of checks which turned red and which are green again, and make the alert of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

import dagster as dg

from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.operations.runbook import cure
from secrets_pipeline.orchestration.verification.stack_check import open_of

Red: TypeAlias = Mapping[str, Mapping[str, float]]
"""Stack → check → when it turned red, in seconds since 1970."""
_LINES, _CALLS = 20, 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """An evaluation of a check.

    Attributes:
        key: of the check.
        stack: the partition.
        at: when, in seconds since 1970.
        run_id: of the run that evaluated it.
        red: whether something is wrong; what only waits is not red.
        description: what it says.
        lines: what is open, a sentence a line.
        calls: who called what, where the run answers an event of it.
    """

    key: dg.AssetCheckKey
    stack: str
    at: float
    run_id: str
    red: bool
    description: str
    lines: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, evaluation: dg.AssetCheckEvaluation, stack: str, at: float, run_id: str, calls: tuple[str, ...] = ()
    ) -> Verdict:
        """Read an evaluation."""
        red = not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR
        said = evaluation.description or ""
        lines = tuple(map(str, open_of(evaluation)))
        return cls(evaluation.asset_check_key, stack, at, run_id, red, said, lines or (said,), calls)


@dataclass(frozen=True, slots=True)
class Transition:
    """A check that turned red, or is not red any longer.

    Attributes:
        verdict: the evaluation that says so.
        since: when it had turned red; None for one that turns red now.
    """

    verdict: Verdict
    since: float | None


def transitions(red: Red, verdicts: Iterable[Verdict]) -> list[Transition]:
    """Follow evaluations in the order in which they were made; return what changes on the way, each change once.

    Args:
        red: what is known to be red.
        verdicts: in any order.
    """
    since = {(stack, check): at for stack, checks in red.items() for check, at in checks.items()}
    found = []
    for verdict in sorted(verdicts, key=lambda one: one.at):
        which = verdict.stack, verdict.key.name
        if verdict.red != (which in since):
            found.append(Transition(verdict, since.pop(which, None)))
            if verdict.red:
                since[which] = verdict.at
    return found


def after(red: Red, changes: Iterable[Transition]) -> Red:
    """Return what is red after changes, in their order."""
    now = {stack: dict(checks) for stack, checks in red.items()}
    for one in changes:
        checks = now.setdefault(one.verdict.stack, {})
        if one.verdict.red:
            checks[one.verdict.key.name] = one.verdict.at
        else:
            checks.pop(one.verdict.key.name, None)
    return {stack: checks for stack, checks in now.items() if checks}


def transition_alert(one: Transition, link: str) -> Alert:
    """Make the alert of a check that changed.

    Args:
        one: what changed.
        link: to the check in the UI.
    """
    verdict = one.verdict
    where, name = verdict.stack, verdict.key.name
    if one.since is None:
        subject, cause = f"{where}: {name} is red", "check-red"
        text = f"{name} of {where} found at {_moment(verdict.at)}:\n\n{_lines(verdict.lines)}"
        text += "".join(f"\n\nBefore it: {call}" for call in verdict.calls[:_CALLS])
        text += f"\n\n{todo}" if (todo := cure(name, where)) else ""
    else:
        subject, cause = f"{where}: {name} is not red any longer", "check-green"
        text = f"{name} of {where} was red since {_moment(one.since)}. At {_moment(verdict.at)}: {verdict.description}"
    return Alert(subject, f"{text}\n\n{link}", verdict.stack, cause, f"{name}|{verdict.run_id}|{verdict.at}")


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _lines(lines: Sequence[str]) -> str:
    more = [f"… and {len(lines) - _LINES} more"] if len(lines) > _LINES else []
    return "\n".join([*lines[:_LINES], *more])
