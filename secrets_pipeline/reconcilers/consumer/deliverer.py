"""Plan and apply what is delivered to one kind of consumer: named entries, beside which all others stay as they are."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from secrets_pipeline.desired.consumer.model import EcsDelivery, LambdaDelivery, StageDelivery
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import Because, Differs, Reason, Waits
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.reconcilers.needed import needs_of, skipped
from secrets_pipeline.references.model import Expression
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

One = TypeVar("One", bound=LambdaDelivery | EcsDelivery | StageDelivery)


class Deliverer(ABC, Generic[One]):
    """An `engine.Reconciler` of one kind of consumer that can leave out what it need not look at.

    Args:
        stack: the stack.
        deliveries: what is delivered, by a name that a human knows the consumer by.

    Attributes:
        kind: of the consumer.
        nouns: what the entries of each section are called.
    """

    kind: ClassVar[str]
    nouns: ClassVar[tuple[str, ...]]

    def __init__(self, stack: Stack, deliveries: Mapping[str, One]) -> None:
        self._stack = stack
        self._deliveries = deliveries

    @abstractmethod
    def sections(self, delivery: One) -> tuple[Mapping[str, Expression], ...]:
        """Say which entries are delivered, in sections as the consumer has them."""

    @abstractmethod
    def observed(self, delivery: One) -> tuple[Mapping[str, str], ...] | Reason:
        """Read all entries of each section, for a plan, or say what is in the way.

        Raises:
            AwsError: if AWS refuses.
        """

    @abstractmethod
    def deliver(self, delivery: One, *wanted: Mapping[str, str]) -> str:
        """Write the entries of each section over what the consumer has at this moment.

        Raises:
            SkippedError: if there is no such consumer any more.
            AwsError: if AWS refuses.
        """

    def refusal(self, delivery: One) -> Reason | None:  # noqa: ARG002 - others need it
        """Say why nobody can write from here what differs; by default one can.

        Raises:
            AwsError: if AWS refuses.
        """
        return None

    def consumer(self, name: str, delivery: One) -> str:  # noqa: ARG002 - others need it
        """Name what deliveries are made to one after the other: by default each has a consumer of its own."""
        return name

    def wanted(self) -> Mapping[Resource, str | Pending]:
        """Resolve all that each delivery delivers, as one text; reads no consumer."""
        return {
            self._resource(name): _as_text(self._stack, *self.sections(delivery))
            for name, delivery in self._deliveries.items()
        }

    def plan(self, *, but: Collection[str] = ()) -> Sequence[Change]:
        """Plan one change a delivery, but those that are named."""
        changes: list[Change] = []
        last: dict[str, str] = {}
        for name, delivery in self._deliveries.items():
            if name in but:
                continue
            consumer = self.consumer(name, delivery)
            after = (last[consumer],) if consumer in last else ()
            changes.append(planned(self._resource(name), partial(self._plan, name, delivery, after)))
            last[consumer] = name
        return changes

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        delivery = self._deliveries[change.resource.name]
        wanted = self._resolved(delivery)
        if isinstance(wanted, Pending):
            raise skipped(wanted)
        return self.deliver(delivery, *wanted)

    def _plan(self, name: str, delivery: One, after: tuple[str, ...]) -> Change:
        resource, found = self._resource(name), self.observed(delivery)
        if isinstance(found, Reason):
            return Change(resource, ChangeClass.BLOCKED, (found,), after=after)
        wanted = self._resolved(delivery)
        if isinstance(wanted, Pending):
            return Change(resource, ChangeClass.UPDATE, (Waits(wanted.reason),), after=after, needs=needs_of([wanted]))
        reasons = tuple(
            reason
            for before, entries, noun in zip(found, wanted, self.nouns, strict=True)
            for reason in _differing(before, entries, noun)
        )
        if reasons and (refused := self.refusal(delivery)):
            return Change(resource, ChangeClass.BLOCKED, (refused, *reasons), after=after)
        return Change(resource, ChangeClass.UPDATE if reasons else ChangeClass.NONE, reasons, after=after)

    def _resolved(self, delivery: One) -> list[dict[str, str]] | Pending:
        # All of them, before the first that waits: an error must not hide behind it.
        found = [_resolved(self._stack, entries) for entries in self.sections(delivery)]
        pending = next((one for one in found if isinstance(one, Pending)), None)
        return pending or [one for one in found if not isinstance(one, Pending)]

    def _resource(self, name: str) -> Resource:
        return Resource(self.kind, name, self._deliveries[name].component)


def _resolved(stack: Stack, entries: Mapping[str, Expression]) -> dict[str, str] | Pending:
    """Resolve every entry to text; the first thing that is still missing where one cannot be.

    Raises:
        ExpressionError: if an entry is secret.
    """
    values = {}
    for name, expression in entries.items():
        text = stack.resolve.text(expression)
        if isinstance(text, Pending):
            return replace(text, reason=f"{name}: {text.reason}")
        values[name] = text
    return values


def _as_text(stack: Stack, *sections: Mapping[str, Expression]) -> str | Pending:
    """Write all entries of some sections as one text, the same for the same entries; or what is still missing."""
    values: list[dict[str, str]] = []
    for entries in sections:
        try:
            section = _resolved(stack, entries)
        except SecretsPipelineError as error:
            # Planning the delivery itself says so.
            return Pending(error.message)
        if isinstance(section, Pending):
            return section
        values.append(section)
    return json.dumps(values, sort_keys=True)


def _differing(observed: Mapping[str, str], wanted: Mapping[str, str], noun: str) -> tuple[Reason, ...]:
    """Name each entry that differs as a reason; the values themselves are not shown."""
    return tuple(
        Differs(f"{noun} {name}") if name in observed else Because(f"{noun} {name} is missing")
        for name, value in wanted.items()
        if observed.get(name) != value
    )
