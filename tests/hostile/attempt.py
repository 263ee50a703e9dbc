"""What a user does with a repository: read it, plan, apply; and what anybody gets to see of that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from secrets_pipeline import emulator
from secrets_pipeline.engine.model import Change, Failed, Outcome, Skipped
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.boundary.guard import guard_boundary
from tests.applying import apply_stack
from tests.hostile.cases import End
from tests.hostile.estate import OTHERS, Estate

_READS = re.compile(r"(Get|List|Describe|BatchGet|Head|AssumeRole|GenerateMac|Simulate)")


@dataclass
class Attempt:
    """What became of it.

    Attributes:
        end: refused as a whole, blocked in part, or done.
        text: all that was said.
        writes: operations that reached the server and may have changed something, each with how often.
        desired: as it was read; None if it was not.
    """

    end: End = End.HARMLESS
    text: str = ""
    writes: Counter[str] = field(default_factory=Counter)
    desired: OpenRepository | None = None

    def say(self, *texts: str) -> None:
        """Add to what was said."""
        self.text += "".join(f"{text}\n" for text in texts)


def attempt(folder: Path, estate: Estate) -> Attempt:
    """Read the repository, plan and apply each stack of the author's."""
    made = Attempt()
    emulator.reset_calls(estate.aws)
    try:
        made.desired = open_repository(folder)
    except SecretsPipelineError as error:
        made.end = End.REFUSED
        made.say(error.diagnostics())
    if made.desired is not None:
        _use(made, made.desired, estate)
    made.writes = writes(estate.aws)
    return made


def _use(made: Attempt, desired: OpenRepository, estate: Estate) -> None:
    made.say(*desired.notices)
    for errors in desired.errors.values():
        made.say(*(error.diagnostics() for error in errors))
    theirs = sorted(set(desired.specs) - set(OTHERS))
    if desired.errors:
        made.end = End.REFUSED
    for stack in theirs:
        try:
            made.say(*_planned(desired.assemble(estate.sessions), stack))
            done = apply_stack(desired.assemble(estate.sessions, writing=True).stack(stack))
        except SecretsPipelineError as error:
            made.end = End.REFUSED
            made.say(error.diagnostics())
            continue
        outcomes = [one for some in done.values() for one in some]
        made.say(*(line for one in outcomes for line in said_of(one)))
        if any(isinstance(one, Failed | Skipped) for one in outcomes) and made.end is End.HARMLESS:
            made.end = End.BLOCKED


def _planned(assembly: Assembly, name: str) -> Iterator[str]:
    stack = assembly.stack(name)
    guard_boundary(stack)
    for changes in plan_stack(stack).values():
        for change in changes:
            yield from _changed(change)


def _changed(change: Change) -> Iterator[str]:
    yield f"{change.action} {change.resource}: {change.reason} {change.remedy}"
    if change.error is not None:
        yield change.error.diagnostics()


def said_of(outcome: Outcome) -> Iterator[str]:
    """The lines that tell of an outcome."""
    yield from _changed(outcome.change)
    if isinstance(outcome, Failed):
        yield outcome.error.diagnostics()
    elif isinstance(outcome, Skipped):
        yield f"{outcome.reason} {outcome.remedy}"
    else:
        yield getattr(outcome, "detail", "")


def writes(aws: emulator.LocalAws) -> Counter[str]:
    """Operations since the last reset that are no reads, as the server counted them."""
    counted: Counter[str] = Counter()
    for call in emulator.calls(aws):
        if not _READS.match(call.operation):
            counted[f"{call.service} {call.operation} {call.account_id} {call.region}"] += call.count
    return counted


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What is not as it was, one text each."""
    return [
        f"{name}:\n  was {before.get(name, '-')}\n  is  {after.get(name, '-')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
