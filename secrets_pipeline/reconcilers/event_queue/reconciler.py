"""Plan and make the queue that brings events to the pipeline, and what leads to it from the stack's account and region.

A digest of all that should be there, in a tag of the queue and of a rule, lets a run that has nothing to do know it by
three calls. It vouches against changes of the settings, not against people: `deep` reads every part.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from secrets_pipeline.arn import account_of
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, ChangedOutside, NotOurs, Reason
from secrets_pipeline.reconcilers.apply_options import adoption
from secrets_pipeline.reconcilers.event_queue import desired
from secrets_pipeline.reconcilers.event_queue.desired import Layout, Place
from secrets_pipeline.reconcilers.event_queue.forwarding import (
    dead_letters_part,
    distinct,
    forwarding,
    global_route,
    queue_attributes,
    tags_of,
    watches_home,
)
from secrets_pipeline.reconcilers.event_queue.part import EVENTS_TAG, EventPart, ObservedPart, PermittedPart
from secrets_pipeline.reconcilers.event_queue.queue import QueuePart
from secrets_pipeline.reconcilers.event_queue.route import BusPart, RulePart
from secrets_pipeline.reconcilers.observed.tags import tag_list, tag_map
from secrets_pipeline.rotation.events.queue import MAX_RECEIVES

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

NOTE = "secrets-pipeline:layout"
_NOTE_KIND = "event-note"
_NOTED = Because("as noted; not read: `verify` and `plan --deep` do")


class EventQueueReconciler:
    """Makes all that brings the events of one stack's account and region to the queue; nothing where there is none.

    With `deep`, every part is read.
    """

    def __init__(self, stack: Stack, *, deep: bool | None = None) -> None:
        self._stack = stack
        self._deep = stack.run.options.deep if deep is None else deep

    @cached_property
    def _routes(self) -> Sequence[_Route]:
        """Found when it is planned, as the queue's account may ask for another role."""
        return _routes(self._stack)

    def plan(self) -> Sequence[Change]:
        """Plan one change a part, then the notes of what will have been made."""
        changes: list[Change] = []
        for route in self._routes:
            # One way hides not the other.
            noted = planned(route.note, partial(self._plan_note, route))
            changes.extend([noted] if noted.error else self._plan_route(route, noted=noted.action is ChangeClass.NONE))
        return changes

    def apply(self, change: Change) -> str:
        """Make one part, or write one note; see `engine.Reconciler`."""
        if change.resource.kind == _NOTE_KIND:
            next(route for route in self._routes if route.note == change.resource).write_note()
            return "noted"
        part = next(one for route in self._routes for one in route.parts if one.resource.name == change.resource.name)
        seen = part.look()
        if seen.exists and not seen.ours and not self._adopts(part.resource.name, seen):
            raise SkippedError(f"{part.resource} was made by somebody else meanwhile")
        part.make()
        return "created" if not seen.exists else "; ".join(seen.differences) or "tagged"

    def _adopts(self, name: str, seen: ObservedPart) -> bool:
        return self._stack.run.options.adopts(name, of_another=bool(seen.theirs))

    @staticmethod
    def _plan_note(route: _Route) -> Change:
        return Change(route.note, ChangeClass.NONE if route.is_noted() else ChangeClass.UPDATE, note=True)

    def _plan_route(self, route: _Route, *, noted: bool) -> list[Change]:
        if noted and not self._deep:
            return [
                Change(one, ChangeClass.NONE, (_NOTED,)) for one in (*(p.resource for p in route.parts), route.note)
            ]
        changes: list[Change] = []
        for part in route.parts:
            before = (*route.after, *(change.resource.name for change in changes))
            changes.append(planned(part.resource, partial(self._plan_part, part, before, noted=noted)))
        open_ones = any(change.action is not ChangeClass.NONE for change in changes)
        action = ChangeClass.NONE if noted and not open_ones else ChangeClass.UPDATE
        needs = tuple(change.resource.name for change in changes)
        reasons = () if action is ChangeClass.NONE else (Because("what was made is not noted"),)
        return [*changes, Change(route.note, action, reasons, depends_on=needs, note=True)]

    def _plan_part(self, part: EventPart, before: tuple[str, ...], *, noted: bool) -> Change:
        seen = part.look()
        action, reasons = self._verdict(part.resource.name, seen)
        drift = noted and action in (ChangeClass.CREATE, ChangeClass.UPDATE)
        if drift:
            reasons = tuple(map(ChangedOutside, reasons))
        # An apply is complete without an optional part that AWS denies, but not without one that is somebody else's.
        optional = isinstance(part, PermittedPart) and not any(isinstance(one, NotOurs) for one in reasons)
        return Change(part.resource, action, reasons, drift=drift, depends_on=before, act=optional)

    def _verdict(self, name: str, seen: ObservedPart) -> tuple[ChangeClass, tuple[Reason, ...]]:
        if seen.exists and not seen.ours and not self._adopts(name, seen):
            take = adoption(self._stack.spec.stack, name)
            if seen.theirs:
                way = f"name another queue under events, as each repository has its own, or {take} takes it over"
                return ChangeClass.BLOCKED, (NotOurs(f"belongs to repository {seen.theirs}", way),)
            said = f"exists without our tag {next(iter(EVENTS_TAG))}"
            return ChangeClass.BLOCKED, (NotOurs(said, f"{take} takes it over, or rename the other"),)
        differences = tuple(map(Because, seen.differences))
        if seen.blocked:
            return ChangeClass.BLOCKED, (seen.blocked,)
        if not seen.exists:
            return ChangeClass.CREATE, (Because("does not exist"),)
        if not seen.ours:
            whose = f"belongs to repository {seen.theirs}" if seen.theirs else "exists without our tag"
            return ChangeClass.ADOPT, (Because(whose), *differences)
        return (ChangeClass.UPDATE if differences else ChangeClass.NONE), differences


class _Route(ABC):
    """Parts that are made together, in this order, and noted together; `after` are those of another route."""

    def __init__(self, name: str, parts: Sequence[EventPart], wanted: object, after: tuple[str, ...] = ()) -> None:
        self.note = Resource(_NOTE_KIND, name)
        self.parts, self.after = parts, after
        text = json.dumps(wanted, sort_keys=True, default=str)
        self.digest = hashlib.sha256(text.encode()).hexdigest()[:32]

    @abstractmethod
    def is_noted(self) -> bool:
        """Whether the note says that all parts were made as they should be."""

    @abstractmethod
    def write_note(self) -> None:
        """Write the note that all parts were made as they should be."""


class _NotedOnQueue(_Route):
    """The parts at home; the note is on the queue."""

    def __init__(self, queue: QueuePart, parts: Sequence[EventPart], wanted: object) -> None:
        super().__init__(f"{queue.resource.name} as noted", parts, wanted)
        self._queue = queue

    def is_noted(self) -> bool:
        url = self._queue.url()
        return url is not None and self._queue.tags(url).get(NOTE) == self.digest

    def write_note(self) -> None:
        self._queue.tag({NOTE: self.digest})


class _NotedOnRule(_Route):
    """The parts in another place; the note is on their first rule."""

    def __init__(
        self, account: AwsAccount, arn: str, parts: Sequence[EventPart], wanted: object, *, after: tuple[str, ...]
    ) -> None:
        super().__init__(f"rules of {account.account_id} {account.region} as noted", parts, wanted, after)
        self._account, self._arn = account, arn

    def is_noted(self) -> bool:
        events = self._account.client("events")
        with calling("ListTagsForResource", self._arn):
            try:
                tags = tag_map(events.list_tags_for_resource(ResourceARN=self._arn)["Tags"])
            except events.exceptions.ResourceNotFoundException:
                return False
        return tags.get(NOTE) == self.digest

    def write_note(self) -> None:
        tags: Any = tag_list({NOTE: self.digest})
        with calling("TagResource", self._arn):
            self._account.client("events").tag_resource(ResourceARN=self._arn, Tags=tags)


def _routes(stack: Stack) -> list[_Route]:
    settings = stack.run.settings
    if settings.events is None:
        return []
    account = stack.observed.sessions.visited(settings.event_target(settings.events))
    plan = layout_of(stack, account)
    at_home = _home(stack, account, plan)
    return [at_home] if plan.at_home else [at_home, _elsewhere(stack, plan, at_home)]


def layout_of(stack: Stack, home: AwsAccount) -> Layout:
    """Lay out the way from the stack's account and region to the queue."""
    events = stack.run.settings.events
    if events is None:
        raise RuntimeError("there is no layout without a queue")
    place = Place(events.account_id or home.account_id, home.region, home.partition)
    here = Place(stack.account.account_id, stack.account.region, stack.account.partition)
    accounts = {account for account, _ in stack.ownership.repository.index.places()} | {here.account_id}
    if events.organization_role_arn:
        accounts.add(account_of(events.organization_role_arn))
    others = tuple(sorted(one for one in accounts if one is not None and one != place.account_id))
    return Layout(
        place,
        events.queue,
        here,
        others,
        events.kms_key,
        events.watch_access,
        stack.run.settings.permissions_boundary,
        stack.run.settings.tags,
    )


def _home(stack: Stack, account: AwsAccount, plan: Layout) -> _Route:
    home, repository = plan.home, stack.ownership.repository.id
    dead_letters = dead_letters_part(account, plan, home, plan.key, repository)
    redrive = {"deadLetterTargetArn": home.arn("sqs", plan.dead_letters), "maxReceiveCount": MAX_RECEIVES}
    attributes = {
        **queue_attributes(plan.queue_policy(home, plan.queue, plan.senders(home))),
        "RedrivePolicy": json.dumps(redrive),
    }
    queue = QueuePart(account, plan.queue, attributes, plan.key, repository, tags=plan.tags)
    parts: list[EventPart] = [dead_letters, queue]
    global_parts, global_wanted = global_route(stack, plan)
    forwards = bool(global_parts) or _places_elsewhere(stack, plan)
    if forwards:
        parts.append(BusPart(account, plan, may_forget=_all_known(stack)))
        target = plan.target(forwarded=True)
        parts.append(RulePart(account, plan.forwarded_rule, desired.FORWARDED_PATTERN, target, plan.tags))
    rules = plan.rules(home) if _any_at_home(stack, plan) else {}
    if watches_home(stack, plan):
        rules = {**rules, **plan.global_rules(home)}
    target = replace(plan, here=home).target()
    parts.extend(RulePart(account, arn, pattern, target, plan.tags) for arn, pattern in rules.items())
    bus = forwards and [plan.bus_policy(plan.others), desired.FORWARDED_PATTERN]
    wanted = [dead_letters.wanted, queue.wanted, bus, target, rules, global_wanted, *tags_of(plan)]
    return _NotedOnQueue(queue, [*parts, *global_parts], wanted)


def _elsewhere(stack: Stack, plan: Layout, at_home: _Route) -> _Route:
    rules, repository = plan.rules(plan.here), stack.ownership.repository.id
    parts, wanted = forwarding(stack.account, plan, rules, repository)
    if plan.here.account_id != plan.home.account_id:
        for place in plan.global_places(plan.here.account_id, plan.here.partition):
            there = replace(plan, here=place)
            account = stack.observed.account_in(place.region)
            more, further = forwarding(account, there, there.global_rules(place), repository)
            parts, wanted = [*parts, *map(PermittedPart, more)], [*wanted, *further]
    # Of the home account, what global services need is made with the queue.
    made = {part.resource.name for part in at_home.parts}
    shared = tuple(one.resource.name for one in parts if one.resource.name in made)
    own = [one for one in distinct(parts) if one.resource.name not in made]
    return _NotedOnRule(stack.account, next(iter(rules)), own, wanted, after=shared)


def _places_elsewhere(stack: Stack, plan: Layout) -> bool:
    """Whether events of any stack come from another account or region."""
    at_home = {(account, plan.home.region) for account in (None, plan.home.account_id)}
    return not (stack.ownership.repository.index.places() <= at_home and plan.at_home)


def _any_at_home(stack: Stack, plan: Layout) -> bool:
    """Whether any stack may live where the queue is."""
    at_home = {(account, plan.home.region) for account in (None, plan.home.account_id)}
    return not at_home.isdisjoint(stack.ownership.repository.index.places())


def _all_known(stack: Stack) -> bool:
    """Whether every account of the repository is known: one of a stack with errors is not, and may not be shut out."""
    known = all(account is not None for account, _ in stack.ownership.repository.index.places())
    return stack.ownership.repository.is_complete and known
