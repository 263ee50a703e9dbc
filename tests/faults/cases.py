"""Every call of a clean apply meets every fault; then one undisturbed run must end as a clean one does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from secrets_pipeline import emulator
from secrets_pipeline.emulator import FaultAction, InjectedFault
from tests.faults.child import Run, run
from tests.faults.ending import Ending, differences, ending, passwords, values

if TYPE_CHECKING:
    from tests.faults.ground import Ground

ATTEMPTS = 8
"""How often the product's clients try a call (`aws/session.py`)."""


class Kind(Enum):
    """What a call meets; those with a number meet it at every attempt, so that the client gives up."""

    KILL_BEFORE = ("kill before", FaultAction.KILL_BEFORE, 1)
    KILL_AFTER = ("kill after", FaultAction.KILL_AFTER, 1)
    THROTTLE = ("throttle", FaultAction.THROTTLE, 1)
    THROTTLE_ALWAYS = (f"throttle x{ATTEMPTS}", FaultAction.THROTTLE, ATTEMPTS)
    ERROR = ("500", FaultAction.ERROR, 1)
    ERROR_ALWAYS = (f"500 x{ATTEMPTS}", FaultAction.ERROR, ATTEMPTS)
    LOST = ("lost answer", FaultAction.LOST, 1)
    LOST_ALWAYS = (f"lost answer x{ATTEMPTS}", FaultAction.LOST, ATTEMPTS)

    def __init__(self, title: str, action: FaultAction, attempts: int) -> None:
        self.title = title
        self.action = action
        self.attempts = attempts


@dataclass(frozen=True, order=True)
class Place:
    """One call of a clean apply: the `at`-th of its operation, so that threads in another order change nothing."""

    service: str
    operation: str
    at: int

    def fault(self, kind: Kind) -> InjectedFault:
        """The fault that strikes there; the child puts in its own process id."""
        return InjectedFault(
            kind.action,
            self.at,
            kind.attempts,
            self.service,
            self.operation,
            pid=2 if kind.action.kills else None,
        )

    def __str__(self) -> str:
        return f"{self.service} {self.operation} #{self.at}"


@dataclass(frozen=True)
class Case:
    """One fault at one call.

    Attributes:
        stale: whether lists show the state before the first run until both runs are over.
    """

    place: Place
    kind: Kind
    stale: bool = False

    def __str__(self) -> str:
        return f"{self.kind.title} at {self.place}{', lists frozen' if self.stale else ''}"


@dataclass(frozen=True)
class Verdict:
    """What came of a case.

    Attributes:
        struck: whether the fault met its call.
        first: how the run that met it ended: killed, went through, or failed and said so.
        problems: what is wrong in the end, or was said wrongly; empty if everything is right.
    """

    case: Case
    struck: bool
    first: str
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Clean:
    """A clean apply: what it called, and what AWS holds after it and an idle second one."""

    calls: Counter[tuple[str, str]]
    ending: Ending

    def places(self) -> list[Place]:
        """Every call, by operation."""
        return [
            Place(service, operation, at)
            for (service, operation), count in sorted(self.calls.items())
            for at in range(1, count + 1)
        ]


def clean(ground: Ground) -> Clean:
    """Apply twice, undisturbed.

    Raises:
        AssertionError: the first does not go through, or the second is not idle.
    """
    ground.fresh()
    first = run(ground)
    called: Counter[tuple[str, str]] = Counter()
    for call in emulator.calls(ground.aws):
        called[call.service, call.operation] += call.count
    second = run(ground, plan=True)
    assert first.green, first
    assert (second.green, second.left, second.outcomes["applied"]) == (True, (), 0), second
    return Clean(called, ending(ground))


def cases(places: Sequence[Place], *, stride: int = 1, stale: bool = False) -> Iterator[Case]:
    """Every fault at every place, or every `stride`-th of these pairs: all kinds come round where it is odd."""
    pairs = [(place, kind) for place in places for kind in Kind]
    return (Case(place, kind, stale) for place, kind in pairs[::stride])


def judge(ground: Ground, expected: Clean, case: Case) -> Verdict:
    """Meet one fault on a fresh account, run once more, and compare."""
    ground.fresh()
    if case.stale:
        emulator.freeze_lists(ground.aws)
    first = run(ground, fault=case.place.fault(case.kind))
    (report,) = emulator.disarm(ground.aws)
    left = run(ground, apply=False, plan=True).left if first.green and not case.stale else ()
    stored = passwords(ground)
    later = [run(ground, plan=not case.stale)]
    if case.stale:
        emulator.thaw_lists(ground.aws)
        later.append(run(ground, plan=True))
    ended, kept = ending(ground), passwords(ground)
    problems = [
        *_said_of_first(first, left or (), struck=bool(report.struck)),
        *_said_of_later(later),
        *differences(ended, expected.ending),
        *(f"generated value of {name} has changed" for name, value in stored.items() if kept.get(name) != value),
        *leaks(ground, (first, *later)),
    ]
    return Verdict(case, bool(report.struck), _ended(first), tuple(problems))


def _ended(first: Run) -> str:
    if first.killed:
        return "killed"
    return "went through" if first.green else "failed"


def _said_of_first(first: Run, left: Sequence[str], *, struck: bool) -> Iterator[str]:
    if first.unexpected:
        yield f"the run that met the fault ended with {first.unexpected}"
    if any("unexpected" in line for line in first.told):
        yield f"it reported a bug: {[line for line in first.told if 'unexpected' in line]}"
    if first.signal is not None and not first.killed:
        yield f"it died of signal {first.signal}"
    if left:
        yield f"it said that all is done, and left {list(left)}"
    if not struck and not first.green:
        yield f"it failed without a fault: {first.error or first.told}"


def _said_of_later(later: Sequence[Run]) -> Iterator[str]:
    for number, one in enumerate(later, start=1):
        if not one.green:
            yield f"undisturbed run {number} was not green: {one.error or one.unexpected or one.told}"
    if later[-1].left:
        yield f"the plan is not empty: {list(later[-1].left)}"


def leaks(ground: Ground, runs: Sequence[Run]) -> Iterator[str]:
    """Values of AWS's secrets in what runs wrote; the value itself is not repeated."""
    generated = {value for one in runs for value in one.generated}
    for name, value in [*secret_texts(ground), *(("a secret, generated by a run", value) for value in generated)]:
        for number, one in enumerate(runs, start=1):
            said = "\n".join((one.error, *one.told, *(one.left or ()))).encode()
            if value.encode() in one.output or value.encode() in said:
                yield f"a value of {name} is in the output of run {number}"


def secret_texts(ground: Ground) -> Iterator[tuple[str, str]]:
    """Every text in a stored value that nobody may see: whole values, generated parts and what holds them."""
    generated = passwords(ground)
    yield from generated.items()
    for name, value in values(ground).items():
        yield name, value
        if value.startswith("{"):
            held = [str(text) for text in json.loads(value).values()]
            yield from ((name, text) for text in held if any(part in text for part in generated.values()))
