"""Start consumers anew that were started before a secret that they read got its value.

What is not noted is looked at, and its start compared with the dates of its secrets: a consumer that Terraform, a
delivery of the same run or a person has just started is not started again. A rollout is not waited for; it is noted
when a later run finds it completed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from secrets_pipeline.desired.consumer.refresh_model import RefreshSpec
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, Reason
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.reconcilers.consumer.api_stage.refresh import StageRefresher
from secrets_pipeline.reconcilers.consumer.ecs_service.refresh import EcsRefresher
from secrets_pipeline.reconcilers.consumer.interface import Progress, Refresher, Rollout
from secrets_pipeline.reconcilers.consumer.lambda_function.refresh import LambdaRefresher
from secrets_pipeline.reconcilers.consumer.refresh_notes import RefreshNotes
from secrets_pipeline.reconcilers.consumer.ssm_document.refresh import SsmRefresher
from secrets_pipeline.reconcilers.consumer.value_dates import CurrentValue, current_value
from secrets_pipeline.reconcilers.left import left
from secrets_pipeline.reconcilers.observed.secret_state import SecretState

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "refresh"
NOTE = "refreshed"
OPEN = "open"
"""What is noted of a consumer on its way; behind it stands the digest that it is to run with, once it was asked for."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """A rollout that has not ended yet.

    Attributes:
        name: of the consumer, as `RefreshSpec.name`.
    """

    name: str
    component: str
    rollout: Rollout


def refreshers(stack: Stack) -> Mapping[str, Refresher[Any]]:
    """Make the refresher of each kind of consumer."""
    return {
        "ecs": EcsRefresher(stack),
        "lambda": LambdaRefresher(stack),
        "apigateway": StageRefresher(stack),
        "ssm": SsmRefresher(stack),
    }


def rollout_now(stack: Stack, one: InFlight) -> Rollout | None:
    """Find what became of a rollout; None if its consumer is gone, from AWS or from the stack.

    Raises:
        AwsError: if AWS refuses.
    """
    spec = next((spec for spec in stack.spec.refreshes if spec.name == one.name), None)
    return None if spec is None else refreshers(stack)[spec.means.kind].follow(spec.means, one.rollout.id)


class RefreshReconciler:
    """Starts consumers of one stack anew, all kinds under one plan.

    Attributes:
        in_flight: rollouts of this run, and earlier ones that it met, that are not completed.
    """

    def __init__(self, stack: Stack, *, deep: bool | None = None) -> None:
        self._stack = stack
        self._refreshers = refreshers(stack)
        self._specs = {spec.name: spec for spec in stack.spec.refreshes}
        self._notes = RefreshNotes(stack)
        self._deep = stack.run.options.deep if deep is None else deep
        self._lock = Lock()
        self._noted: Mapping[str, str] = {}
        self._current: dict[str, str] = {}
        self._unfinished: dict[str, str] = {}
        self.in_flight: list[InFlight] = []

    def plan(self) -> Sequence[Change]:
        """Plan one change a consumer, then the note of what runs with its secrets."""
        noted = self._noted = self._notes.read()
        changes = [
            planned(resource, partial(self._plan, spec, resource, noted.get(spec.name)))
            for spec in self._specs.values()
            for resource in [Resource(KIND, spec.name, spec.component)]
        ]
        if self._specs:
            started = any(change.action.writes for change in changes)
            if started or {**self._unfinished, **self._current}.items() - noted.items():
                reason = Because("which versions consumers were started with is not noted yet")
                resource = Resource(NOTE, self._notes.name)
                changes.append(Change(resource, ChangeClass.UPDATE, (reason,), after=tuple(self._specs), note=True))
        elif noted:
            found = left(self._stack, Because("no consumer is started anew any more"))
            changes.append(Change(Resource(NOTE, self._notes.name), *found, act=True))
        return changes

    def apply(self, change: Change) -> str:
        """Start one consumer anew, or write the note; see `engine.Reconciler`."""
        if change.resource.kind == NOTE:
            return self._note(prune=change.action is ChangeClass.PRUNE)
        spec = self._specs[change.resource.name]
        refresher = self._refreshers[spec.means.kind]
        digest = self._notes.digest(spec, self._versions(spec))
        started = refresher.start(spec.means)
        found = refresher.follow(spec.means, started)
        if found is None:
            raise SkippedError(str(refresher.missing(spec.means)))
        if found.progress is Progress.FAILED:
            raise RefreshFailedError(spec, found)
        if found.progress is Progress.IN_PROGRESS:
            with self._lock:
                self._unfinished[spec.name] = _started_with(digest)
            self._note_in_flight(spec, found)
            return f"started anew, and on its way: {found.id}"
        if digest is not None:
            with self._lock:
                self._current[spec.name] = digest
        return f"started anew: {found.id}"

    def _plan(self, spec: RefreshSpec, resource: Resource, noted: str | None) -> Change:
        digest = self._notes.digest(spec, self._versions(spec))
        if noted is not None and noted == digest:
            self._current[spec.name] = noted
            if not self._deep:
                unread = Because("runs with the current versions; not read: `verify` and `plan --deep` do")
                return Change(resource, ChangeClass.NONE, (unread,), act=True)
        # A list may be five minutes old, and a consumer that is skipped now is noted as right.
        dated = (current_value(self._stack, state) for state in self._states(spec, confirmed=True))
        values = [value for value in dated if value is not None]
        if not values:
            return Change(resource, ChangeClass.NONE, (Because("none of its secrets has a value yet"),), act=True)
        return self._compared(spec, resource, values, noted)

    def _compared(
        self, spec: RefreshSpec, resource: Resource, values: Sequence[CurrentValue], noted: str | None
    ) -> Change:
        refresher = self._refreshers[spec.means.kind]
        found = refresher.look(spec.means)
        if found is None:
            return Change(resource, ChangeClass.BLOCKED, (refresher.missing(spec.means),), act=True)
        digest = self._notes.digest(spec, self._versions(spec))
        # A delivery in between is no other version.
        before, now = RefreshNotes.versions(noted or ""), RefreshNotes.versions(digest or "")
        known = noted is not None and before in (now, _started_with(now or None))
        if reasons := self._stale(spec, found, values, known=known, news=noted is not None and before != now):
            self._current.pop(spec.name, None)
            self._unfinished[spec.name] = OPEN
            if found.refusal:
                return Change(resource, ChangeClass.BLOCKED, (*reasons, found.refusal), act=True)
            return Change(resource, ChangeClass.UPDATE, reasons, act=True)
        if found.progress is Progress.IN_PROGRESS:
            if noted != digest:
                self._unfinished[spec.name] = _started_with(digest)
            self._note_in_flight(spec, found)
            return Change(resource, ChangeClass.NONE, (Because("is being started anew"),), act=True)
        if digest is not None:
            self._current[spec.name] = digest
        since = "since when it runs is not known" if found.asked_at is None else "started after its secrets"
        return Change(resource, ChangeClass.NONE, (Because(since),), act=True)

    def _stale(
        self, spec: RefreshSpec, found: Rollout, values: Sequence[CurrentValue], *, known: bool, news: bool
    ) -> tuple[Reason, ...]:
        """Why a consumer has to be started anew; empty if it need not.

        Args:
            spec: the consumer.
            found: its latest start.
            values: what it reads.
            known: whether a start with these very versions is noted.
            news: whether other versions were noted.
        """
        keys = {self._stack.spec.secret(ref).name: ref.key for ref in spec.secrets}
        if found.asked_at is None:
            # Nobody knows since when it runs: only a version that came after the note is news.
            again = tuple(Because(f"{keys[one.name]} has version {one.short}") for one in values)
            return again if news else ()
        asked = found.asked_at
        reasons = tuple(
            Because(f"{keys[one.name]} has version {one.short}, started before it")
            for one in values
            for date in [one.since if known else one.latest]
            if date is not None and asked < date
        )
        if not reasons and found.progress is Progress.FAILED:
            return (Because(f"its last rollout failed: {found.detail}"),)
        return reasons

    def _note(self, *, prune: bool) -> str:
        if prune:
            self._notes.write({})
            return "deleted"
        merged = {**self._noted, **self._unfinished, **self._current}
        self._notes.write({name: text for name, text in merged.items() if name in self._specs})
        return f"{len(self._current)} of {len(self._specs)} consumers run with the current versions"

    def _states(self, spec: RefreshSpec, *, confirmed: bool) -> list[SecretState]:
        inventory = self._stack.observed.secrets
        names = [self._stack.spec.secret(ref).name for ref in spec.secrets]
        # A secret that no list shows yet was made by this run, or is not there.
        listed = [name for name in names if inventory.get(name) is not None]
        found = [inventory.confirm(name) if confirmed else inventory.get(name) for name in listed]
        return [state for state in found if state is not None and state.deleted_at is None]

    def _versions(self, spec: RefreshSpec) -> Mapping[str, str | None]:
        versions: dict[str, str | None] = {self._stack.spec.secret(ref).name: None for ref in spec.secrets}
        return versions | {state.name: state.current_version for state in self._states(spec, confirmed=False)}

    def _note_in_flight(self, spec: RefreshSpec, found: Rollout) -> None:
        with self._lock:
            self.in_flight.append(InFlight(spec.name, spec.component, found))


def _started_with(digest: str | None) -> str:
    return OPEN if digest is None else f"{OPEN} {digest}"


class RefreshFailedError(SecretsPipelineError):
    """A consumer could not be started anew."""

    def __init__(self, spec: RefreshSpec, found: Rollout) -> None:
        super().__init__(
            f"{spec.name} was not started anew: {found.detail}",
            remedy="What ran before goes on running with the old value: mend the cause, then apply again.",
        )
