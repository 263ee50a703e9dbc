"""Follow, in ticks, the accounts that runs could not ask: one alert of each, and the runs are repeated with pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import dagster as dg

from secrets_pipeline.orchestration.alerts.alerting import Alerting, Log
from secrets_pipeline.orchestration.alerts.outages import Look, Outage, followed, outage_alert, over_alert
from secrets_pipeline.orchestration.ended_runs.cursor import Cursor
from secrets_pipeline.orchestration.ended_runs.repeating import repeated, repetition_of, verification_instead
from secrets_pipeline.orchestration.shared.backoff import BACKOFF_SECONDS
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.own import Own
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG
from secrets_pipeline.orchestration.verification.history import is_unknown, looked_at
from secrets_pipeline.orchestration.verification.not_asked import NotAsked, not_asked_of

_RUNS: Final = "/runs"


class Accounts(Protocol):
    """Names the accounts of stacks."""

    def asked_as(self, stack: str) -> str:
        """Name whom the runs of a stack ask."""


@dataclass(slots=True)
class _Seen:
    """The result of a run for one stack, before its account is looked up."""

    at: float = 0.0
    not_asked: list[NotAsked] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)


class OutageWatch:
    """What one tick learns of accounts that cannot be asked.

    Args:
        instance: whose runs they are.
        names: of the code location.
        own: what belongs to it.
        accounts: names the accounts of stacks.
        cursor: what earlier ticks know.
        now: seconds since 1970.

    Attributes:
        waiting: see `Cursor`.
        said: see `Cursor`.
    """

    def __init__(
        self, instance: dg.DagsterInstance, names: Names, own: Own, accounts: Accounts, *, cursor: Cursor, now: float
    ) -> None:
        self.waiting = dict(cursor.waiting)
        self.said = dict(cursor.said)
        self._instance = instance
        self._names = names
        self._own = own
        self._accounts = accounts
        self._now = now
        self._outages = [one for one in map(Outage.read, cursor.outages) if one is not None]
        self._looks: list[tuple[str, _Seen]] = []

    @property
    def outages(self) -> list[dict[str, object]]:
        """See `Cursor`."""
        return [one.write() for one in self._outages]

    def who(self, run: dg.DagsterRun) -> str:
        """Name whom a run asked."""
        account = run.tags.get(ACCOUNT_TAG)
        return f"account {account}" if account else self._accounts.asked_as(run.tags.get(PARTITION_TAG, ""))

    def note(
        self,
        run: dg.DagsterRun,
        evaluations: Iterable[tuple[dg.AssetCheckEvaluation, float]],
        ended: float,
        failed_by: NotAsked | None,
    ) -> None:
        """Note what a run saw.

        Args:
            run: which ended.
            evaluations: of our checks, with the time of each, in seconds since 1970.
            ended: when the run ended, in seconds since 1970.
            failed_by: why it could not ask AWS, if it failed by that.
        """
        own = run.tags.get(PARTITION_TAG, "")
        found: dict[str, _Seen] = {}
        for evaluation, told in evaluations:
            if evaluation.partition is None:
                continue
            seen = found.setdefault(evaluation.partition, _Seen())
            seen.not_asked += not_asked_of(evaluation.metadata)
            unknown = is_unknown(evaluation)
            (seen.unknown if unknown else seen.known).add(evaluation.check_name)
            seen.at = max(seen.at, told if unknown else looked_at(evaluation, told))
        if failed_by is not None:
            seen = found.setdefault(own, _Seen())
            # A run of checks that fails repeats the reason of its checks.
            seen.not_asked += [] if any(one.key == failed_by.key for one in seen.not_asked) else [failed_by]
            seen.at = ended
        elif not found and run.status is dg.DagsterRunStatus.SUCCESS and own:
            found[own] = _Seen(at=ended)
        self._looks += found.items()
        if failed_by is None and any(seen.unknown for seen in found.values()):
            self.wait_for(run)

    def wait_for(self, run: dg.DagsterRun) -> None:
        """Have a run repeated after a pause, or its stack verified."""
        number = repetition_of(run)
        pause = BACKOFF_SECONDS[number] if number < len(BACKOFF_SECONDS) else None
        self.waiting.setdefault(run.run_id, None if pause is None else self._now + pause)

    def settle(self, known: Callable[[], set[str]]) -> None:
        """Update the outages by the noted results.

        Args:
            known: returns the stacks that there are.
        """
        if not self._outages and not any(seen.not_asked for _, seen in self._looks):
            return
        looks = [
            Look(
                stack,
                seen.not_asked[0].who if seen.not_asked else self._accounts.asked_as(stack),
                seen.at,
                tuple(dict.fromkeys(seen.not_asked)),
                frozenset(seen.unknown),
                frozenset(seen.known),
            )
            for stack, seen in self._looks
        ]
        self._outages = followed(self._outages, looks, known())

    def tell(self, alerting: Alerting, log: Log) -> None:
        """Alert of each account once, and once when every stack was looked at; what flaps within the time is one."""
        link = alerting.link(_RUNS)
        after: list[Outage] = []
        for one in self._outages:
            if one.is_over:
                # Of an account whose stacks all left, nobody knows whether it answers.
                if one.is_told and one.answered:
                    alerting.say(over_alert(one, self._now, link), self._instance, log)
                continue
            due = self.said.get(one.key, 0.0) + alerting.repeat_after_seconds <= self._now
            if not one.is_told and due:
                alerting.say(outage_alert(one, link), self._instance, log)
                self.said[one.key] = self._now
                after.append(replace(one, is_told=True))
            else:
                after.append(one)
        self._outages = after
        recent = self._now - alerting.repeat_after_seconds
        self.said = {key: at for key, at in self.said.items() if at > recent}

    def requests(self) -> Iterator[dg.RunRequest]:
        """Request each run whose pause is over, or whose account answers again."""
        if not self.waiting:
            return
        known = self._names.stacks(self._instance)
        silent = {one.who for one in self._outages if not one.answered}
        for run_id, due in list(self.waiting.items()):
            run = self._instance.get_run_by_id(run_id)
            if run is None or (run.tags.get(PARTITION_TAG, "") not in {*known, ""}):
                del self.waiting[run_id]
                continue
            is_due = due is not None and due <= self._now
            if not is_due and self.who(run) in silent:
                continue
            del self.waiting[run_id]
            yield from self._request(run)

    def _request(self, run: dg.DagsterRun) -> Iterable[dg.RunRequest]:
        again = repeated(self._instance, run, self._names, self._own)
        if again is not None:
            return [again]
        stack = run.tags.get(PARTITION_TAG, "")
        open_ones = {stack for one in self._outages for stack in one.stacks}
        return [verification_instead(run, self._names)] if stack and stack in open_ones else []


def said_of(outages: Sequence[dict[str, object]], waiting: int) -> str:
    """Return the outages as text for a tick's reason; empty if there is none."""
    if not outages and not waiting:
        return ""
    whose = ", ".join(f"{one['who']} ({one['cause']})" for one in outages)
    return f"; cannot be asked: {whose or 'nothing'}; runs to be repeated: {waiting}"
