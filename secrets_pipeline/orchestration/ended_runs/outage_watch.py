"""Follow, in ticks, the accounts that runs could not ask: one alert of each, and the runs are repeated with pauses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Protocol, TypeAlias

import dagster as dg

from secrets_pipeline.orchestration.alerts.alerting import REPEAT_AFTER_SECONDS, Alerting, Log
from secrets_pipeline.orchestration.alerts.outages import Look, Outage, followed, outage_alert, over_alert
from secrets_pipeline.orchestration.ended_runs.cursor import Cursor
from secrets_pipeline.orchestration.ended_runs.repeating import repeated, repetition_of, verification_instead
from secrets_pipeline.orchestration.shared.backoff import BACKOFF_SECONDS
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.own import Own
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG
from secrets_pipeline.orchestration.verification.history import looked_at
from secrets_pipeline.orchestration.verification.not_asked import NotAsked, not_asked_of, unasked_stacks

_RUNS: Final = "/runs"
Evaluations: TypeAlias = Iterable[tuple[dg.AssetCheckEvaluation, float]]
"""Evaluations of our checks, with the time of each, in seconds since 1970."""


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
        self._looks: list[tuple[dg.DagsterRun, str, _Seen]] = []

    @property
    def outages(self) -> list[dict[str, object]]:
        """See `Cursor`."""
        return [one.write() for one in self._outages]

    def who(self, run: dg.DagsterRun, evaluations: Evaluations = ()) -> str:
        """Name whom a run asked; empty if nobody knows.

        Args:
            run: which.
            evaluations: of our checks; one of all stacks at once names the accounts that it could not ask.
        """
        if account := run.tags.get(ACCOUNT_TAG):
            return f"account {account}"
        if stack := run.tags.get(PARTITION_TAG):
            return self._accounts.asked_as(stack)
        return next((why.who for one, _ in evaluations for why in not_asked_of(one.metadata)), "")

    def note(
        self,
        run: dg.DagsterRun,
        evaluations: Evaluations,
        ended: float,
        failed_by: NotAsked | None,
    ) -> None:
        """Note what a run saw.

        Args:
            run: which ended.
            evaluations: of our checks.
            ended: when the run ended, in seconds since 1970.
            failed_by: why it could not ask AWS, if it failed by that.
        """
        own = run.tags.get(PARTITION_TAG, "")
        found: dict[str, _Seen] = {}
        for evaluation, told in evaluations:
            unasked = unasked_stacks(evaluation)
            for stack in self._known if evaluation.partition is None else [evaluation.partition]:
                why = unasked.get(stack, ())
                seen = found.setdefault(stack, _Seen())
                seen.not_asked += why
                (seen.unknown if why else seen.known).add(evaluation.check_name)
                seen.at = max(seen.at, told if why else looked_at(evaluation, told))
        # A run of several stacks that fails repeats the reason of their checks.
        if failed_by is not None and (own or not any(seen.not_asked for seen in found.values())):
            seen = found.setdefault(own, _Seen())
            seen.not_asked += [] if any(one.key == failed_by.key for one in seen.not_asked) else [failed_by]
            seen.at = ended
        elif not found and run.status is dg.DagsterRunStatus.SUCCESS and own:
            found[own] = _Seen(at=ended)
        self._looks += [(run, stack, seen) for stack, seen in found.items()]
        if failed_by is None and any(seen.not_asked for seen in found.values()):
            self.wait_for(run)

    def wait_for(self, run: dg.DagsterRun) -> None:
        """Have a run repeated after a pause, or its stacks verified."""
        number = repetition_of(run)
        pause = BACKOFF_SECONDS[number] if number < len(BACKOFF_SECONDS) else None
        self.waiting.setdefault(run.run_id, None if pause is None else self._now + pause)

    def settle(self) -> None:
        """Update the outages by the noted results."""
        if not self._outages and not any(seen.not_asked for _, _, seen in self._looks):
            return
        looks = [
            Look(
                stack,
                seen.not_asked[0].who if seen.not_asked else self._asked(run, stack),
                seen.at,
                tuple(dict.fromkeys(seen.not_asked)),
                frozenset(seen.unknown),
                frozenset(seen.known),
            )
            for run, stack, seen in self._looks
        ]
        self._outages = followed(self._outages, looks, self._known)

    @cached_property
    def _known(self) -> set[str]:
        return self._names.stacks(self._instance)

    def _asked(self, run: dg.DagsterRun, stack: str) -> str:
        return self.who(run) if stack == run.tags.get(PARTITION_TAG) else self._accounts.asked_as(stack)

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
            due = self.said.get(one.key, 0.0) + REPEAT_AFTER_SECONDS <= self._now
            if not one.is_told and due:
                alerting.say(outage_alert(one, link), self._instance, log)
                self.said[one.key] = self._now
                after.append(replace(one, is_told=True))
            else:
                after.append(one)
        self._outages = after
        recent = self._now - REPEAT_AFTER_SECONDS
        self.said = {key: at for key, at in self.said.items() if at > recent}

    def requests(self) -> Iterator[dg.RunRequest]:
        """Request each run whose pause is over, or whose account answers again."""
        if not self.waiting:
            return
        silent = {one.who for one in self._outages if not one.answered}
        for run_id, due in list(self.waiting.items()):
            run = self._instance.get_run_by_id(run_id)
            if run is None or (run.tags.get(PARTITION_TAG, "") not in {*self._known, ""}):
                del self.waiting[run_id]
                continue
            is_due = due is not None and due <= self._now
            whom = self.who(run)
            if not is_due and (whom in silent if whom else silent):
                continue
            del self.waiting[run_id]
            yield from self._request(run)

    def _request(self, run: dg.DagsterRun) -> Iterable[dg.RunRequest]:
        again = repeated(self._instance, run, self._names, self._own)
        if again is not None:
            return [again]
        open_ones = {stack for one in self._outages for stack in one.stacks}
        return [verification_instead(run, stack, self._names) for stack in sorted(self._unasked(run) & open_ones)]

    def _unasked(self, run: dg.DagsterRun) -> set[str]:
        if stack := run.tags.get(PARTITION_TAG):
            return {stack}
        if run.status is dg.DagsterRunStatus.FAILURE:
            # A later one of all of them is repeated in its place.
            return set()
        kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
        events = self._instance.get_records_for_run(run.run_id, of_type=kind).records
        made = (one.event_log_entry.get_dagster_event().asset_check_evaluation_data for one in events)
        return {stack for one in made for stack in unasked_stacks(one)}


def said_of(outages: Sequence[dict[str, object]], waiting: int) -> str:
    """Return the outages as text for a tick's reason; empty if there is none."""
    if not outages and not waiting:
        return ""
    whose = ", ".join(f"{one['who']} ({one['cause']})" for one in outages)
    return f"; cannot be asked: {whose or 'nothing'}; runs to be repeated: {waiting}"
