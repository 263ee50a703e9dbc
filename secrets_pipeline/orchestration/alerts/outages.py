"""Track outages of AWS accounts by what runs saw; make one alert per outage, and one when it is over.

Pure: the sensor of ended runs reads the looks, and keeps the outages in its cursor.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.engine.grouping import with_examples
from secrets_pipeline.errors import Unasked
from secrets_pipeline.operations.runbook.alerts import CAN_BE_ASKED, OUTAGE, REPEATED_BY_ITSELF, WHY_UNASKED
from secrets_pipeline.orchestration.verification.not_asked import NotAsked

_MOST_SAID = 5


@dataclass(frozen=True, slots=True)
class Look:
    """The result of a run for one stack.

    Attributes:
        stack: the partition; empty for a run of a whole account that could not ask it.
        who: whom it asked: the account, or how the credentials are called.
        at: when, in seconds since 1970.
        not_asked: why it could not ask AWS; empty if it could.
        unknown: checks that could not ask.
        known: checks that could.
    """

    stack: str
    who: str
    at: float
    not_asked: tuple[NotAsked, ...] = ()
    unknown: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outage:
    """An account that cannot be asked, by one cause.

    Attributes:
        who: the account, or how the credentials are called.
        cause: see `Unasked`.
        since: when a run could not ask it first, in seconds since 1970.
        last: when a run could not ask it last.
        said: what failed, a few of many.
        stacks: stack → when a run could not ask for it last; they were not looked at since.
        checks: names of the checks that could not ask; empty if runs failed before them.
        is_told: whether its alert was sent.
        answered: when the account answered a run again, though not every stack was looked at yet, or when the last
            stack was looked at; 0 if neither was.
    """

    who: str
    cause: Unasked
    since: float
    last: float
    said: tuple[str, ...]
    stacks: Mapping[str, float] = field(default_factory=dict)
    checks: tuple[str, ...] = ()
    is_told: bool = False
    answered: float = 0.0

    @property
    def key(self) -> str:
        """Account and cause."""
        return NotAsked(self.who, self.cause, "").key

    @property
    def is_over(self) -> bool:
        """Tell whether every stack was looked at again, or is gone."""
        return not self.stacks

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Outage | None:
        """Read what `write` wrote; None of what another version wrote otherwise."""
        try:
            lists = {name: tuple(data[name]) for name in ("said", "checks")}
            return cls(**{**data, **lists, "cause": Unasked(data["cause"])})
        except (KeyError, TypeError, ValueError):
            return None

    def write(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    def without(self, gone: Collection[str]) -> Outage:
        """Return it without stacks that left the repository."""
        return replace(self, stacks={one: at for one, at in self.stacks.items() if one not in gone})


def followed(outages: Iterable[Outage], looks: Iterable[Look], known: Collection[str]) -> list[Outage]:
    """Return the outages after looks of runs, in the order in which they were made; those that are over last are kept.

    Args:
        outages: those before.
        looks: in any order.
        known: the stacks that there are; of others nobody will look.
    """
    found = {one.key: one for one in outages}
    for look in sorted(looks, key=lambda one: one.at):
        for why in dict.fromkeys(look.not_asked):
            found[why.key] = _with(found.get(why.key), why, look)
        causes = {why.key for why in look.not_asked}
        for key, one in found.items():
            if key not in causes:
                found[key] = _after(one, look)
    return [one.without({stack for stack in one.stacks if stack and stack not in known}) for one in found.values()]


def _with(one: Outage | None, why: NotAsked, look: Look) -> Outage:
    if one is None:
        one = Outage(why.who, why.cause, look.at, look.at, (why.said,))
    return replace(
        one,
        last=max(one.last, look.at),
        said=tuple(dict.fromkeys((*one.said, why.said)))[:_MOST_SAID],
        stacks={**one.stacks, look.stack: look.at},
        checks=tuple(sorted({*one.checks, *look.unknown})),
        answered=0.0,
    )


def _after(one: Outage, look: Look) -> Outage:
    """Return the outage without the stack that a run could look at again."""
    if look.known.isdisjoint(one.checks) if one.checks else look.not_asked and not look.known:
        return one
    left = {stack: at for stack, at in one.stacks.items() if stack != look.stack or at >= look.at}
    if look.who != one.who:
        # The settings name another account for the stack now. Or the repository was unreadable when the outage began,
        # so that nobody knew the account's name.
        is_last = bool(one.stacks) and not left and not look.not_asked
        return replace(one, stacks=left, answered=one.answered or (look.at if is_last else 0.0))
    # A run of the whole account, which could not ask it, is made good by any run that could.
    if left.get("", look.at) < look.at:
        del left[""]
    answered = look.at if look.at > one.last and not one.answered else one.answered
    return replace(one, stacks=left, answered=answered)


def outage_alert(one: Outage, link: str) -> Alert:
    """Make the alert of an account that cannot be asked.

    Args:
        one: the outage.
        link: to the runs in the UI.
    """
    why = WHY_UNASKED[one.cause]
    stacks = [stack for stack in one.stacks if stack]
    looked = f"{_count(stacks)} not looked at" if stacks else ""
    since = f"since {_moment(one.since)}"
    doctor = f"`secrets-pipeline doctor -s {stacks[0] if stacks else 'STACK'}` names the cause."
    text = [
        f"AWS {one.who} cannot be asked"
        + (f": {why.what}. {looked} {since}: {with_examples(stacks)}." if stacks else f" {since}: {why.what}."),
        "\n".join(f"* {said}" for said in one.said),
        "Earlier verdicts of its checks stand, with their age.",
        f"To do: {why.do} {doctor} {REPEATED_BY_ITSELF}",
        link,
    ]
    subject = f"AWS {one.who} cannot be asked: {why.word}{'; ' if looked else ''}{looked}"
    return Alert(subject, "\n\n".join(text), "", OUTAGE, f"{one.key}|{one.since}")


def over_alert(one: Outage, at: float, link: str) -> Alert:
    """Make the alert that an account can be asked again.

    Args:
        one: the outage, whose stacks were all looked at.
        at: when, in seconds since 1970.
        link: to the runs in the UI.
    """
    subject = f"AWS {one.who}: every stack that could not be asked about was checked"
    why = WHY_UNASKED[one.cause].what
    judged = f"Every stack was looked at by {_moment(at)}."
    text = f"AWS {one.who} could not be asked since {_moment(one.since)}: {why}. {judged}\n\n{link}"
    return Alert(subject, text, "", CAN_BE_ASKED, f"{one.key}|{one.since}")


def _count(stacks: Sequence[str]) -> str:
    return f"{len(stacks)} {'stack' if len(stacks) == 1 else 'stacks'}"


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
