"""Note in Parameter Store what was delivered, so that a plan need not ask every function, service and stage.

`/secrets-pipeline/{stack}/{component}/delivered` holds a keyed digest of everything that one component has delivered.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because
from secrets_pipeline.reconcilers.outputs_document.published import publish, published
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "delivered"
OPEN = "open"
"""What a note says while deliveries are on their way; no digest."""
_NAME = "/delivered"
Wanted = Mapping[Resource, str | Pending]
"""Each delivery with all that it delivers, as one text."""


class DeliveryNotes:
    """Reads and writes the delivery notes of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._lock = Lock()

    def names(self, wanted: Wanted) -> frozenset[str]:
        """Name the parameters that hold notes."""
        return frozenset(delivered_note(self._stack, resource.component) for resource in wanted)

    def noted(self, wanted: Wanted) -> frozenset[Resource]:
        """Find the deliveries of which the notes say that they were made as the stack declares them now."""
        found, current = published(self._stack), self._digests(wanted)
        return frozenset(
            resource
            for resource in wanted
            if resource.component in current
            and found.get(delivered_note(self._stack, resource.component)) == current[resource.component]
        )

    def plan(self, wanted: Wanted) -> Sequence[Change]:
        """Plan one change a component whose note is not right; it follows all that the component delivers."""
        found, changes = published(self._stack), []
        for component, digest in self._digests(wanted).items():
            name = delivered_note(self._stack, component)
            needs = tuple(resource.name for resource in wanted if resource.component == component)
            if found.get(name) != digest:
                reason = Because("what was delivered is not noted yet")
                resource = Resource(KIND, name, component)
                changes.append(Change(resource, ChangeClass.UPDATE, (reason,), depends_on=needs, note=True))
        return changes

    def apply(self, change: Change, wanted: Wanted) -> str:
        """Write one note by PutParameter; see `engine.Reconciler`."""
        digest = self._digests(wanted).get(change.resource.component)
        if digest is None:
            raise SkippedError("not everything is delivered yet")
        publish(self._stack, change.resource.name, digest)
        return "noted"

    def withdraw(self, wanted: Wanted) -> None:
        """Write `open` over notes of other deliveries than those of now, before the first of these is made.

        Whosever it is: another component may have delivered to the same consumer, and may do so again one day.
        """
        with self._lock:
            right = {
                delivered_note(self._stack, component): digest for component, digest in self._digests(wanted).items()
            }
            for name, note in published(self._stack).items():
                if name.endswith(_NAME) and note not in (OPEN, right.get(name)):
                    publish(self._stack, name, OPEN)

    def _digests(self, wanted: Wanted) -> dict[str, str]:
        """Digest by component, of those whose deliveries are all known."""
        if self._stack.ownership.fingerprinter is None:
            return {}
        texts: defaultdict[str, list[str | None]] = defaultdict(list)
        for resource, text in sorted(wanted.items(), key=lambda item: item[0]):
            texts[resource.component].append(
                None if isinstance(text, Pending) else json.dumps([resource.kind, resource.name, text])
            )
        return {
            component: self._stack.ownership.fingerprinter.digest("delivered", self._stack.spec.stack, *parts)
            for component, parts in texts.items()
            if None not in parts
        }


def delivered_note(stack: Stack, component: str) -> str:
    """Name the parameter that holds the note of one component's deliveries."""
    return f"{stack.observed.parameters.folder}/{component}{_NAME}"
