"""Carry what AWS services tell EventBridge to the default bus of an account and region.

EventBridge delivers at least once and in no order; here it is once and in order, unless it is told otherwise.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events.html
"""

from __future__ import annotations

import logging
import random
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from threading import Condition, Thread
from typing import Any, Protocol

from secrets_pipeline.emulator.core.activity import ACTIVITY, Activity
from secrets_pipeline.emulator.core.clock import CLOCK

logger = logging.getLogger(__name__)

THROUGH_CLOUDTRAIL = " via CloudTrail"
_GATHERING_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        account_id: where it happened.
        region: where it happened.
        source: for example `aws.secretsmanager`.
        detail_type: for example `Secret Label Updated`.
        detail: JSON.
        resources: ARNs.
        moment: epoch seconds.
        id: the same for every delivery.
    """

    account_id: str
    region: str
    source: str
    detail_type: str
    detail: Mapping[str, Any]
    resources: tuple[str, ...] = ()
    moment: float = field(default_factory=CLOCK.now)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def document(self) -> dict[str, Any]:
        """As targets get it: https://docs.aws.amazon.com/eventbridge/latest/ref/overview-event-structure.html."""
        return {
            "version": "0",
            "id": self.id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": self.account_id,
            "time": datetime.fromtimestamp(self.moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self.region,
            "resources": list(self.resources),
            "detail": dict(self.detail),
        }

    @staticmethod
    def of(document: Mapping[str, Any]) -> Event:
        """The event of a document; id and time may be left out.

        Raises:
            KeyError, TypeError, ValueError: something else is missing or wrong.
        """
        given: dict[str, Any] = {}
        if "id" in document:
            given["id"] = str(document["id"])
        if "time" in document:
            given["moment"] = datetime.fromisoformat(document["time"]).timestamp()
        return Event(
            account_id=str(document["account"]),
            region=str(document["region"]),
            source=str(document["source"]),
            detail_type=str(document["detail-type"]),
            detail=dict(document["detail"]),
            resources=tuple(document.get("resources") or ()),
            **given,
        )


@dataclass(frozen=True, slots=True)
class Disorder:
    """How events come.

    Attributes:
        duplicates: probability that an event comes twice.
        shuffled: whether they overtake each other.
        trail: whether a trail records management events in every account: what comes through CloudTrail needs one.
        seed: makes it the same again.
    """

    duplicates: float = 0.0
    shuffled: bool = False
    trail: bool = True
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.duplicates <= 1:
            raise ValueError(f"a probability is between 0 and 1: {self.duplicates}")


class Router(Protocol):
    """Where events go from a bus."""

    def hears(self, account_id: str, region: str) -> bool:
        """Whether any rule listens there. Callers may hold locks, so it takes none."""
        ...

    def deliver(self, event: Event) -> None:
        """Hand an event to the targets of the rules that it matches."""
        ...


class Bus:
    """Takes events at once and delivers them in a thread: whoever has one to tell may hold locks.

    Args:
        activity: counts events on their way.
    """

    def __init__(self, activity: Activity = ACTIVITY) -> None:
        self._activity = activity
        self._ready = Condition()
        self._waiting: deque[Event] = deque()
        self._router: Router | None = None
        self._disorder = Disorder()
        self._chance = random.Random()  # noqa: S311 - no secret is made of it

    def connect(self, router: Router) -> None:
        """Deliver by this router from now on."""
        started, self._router = self._router is not None, router
        if not started:
            Thread(target=self._run, name="events", daemon=True).start()

    def put(self, *events: Event) -> None:
        """Send events on their way; nothing where nobody listens."""
        router = self._router
        if router is None:
            return
        heard = [one for one in events if router.hears(one.account_id, one.region)]
        if not self._disorder.trail:
            heard = [one for one in heard if not one.detail_type.endswith(THROUGH_CLOUDTRAIL)]
        if heard:
            self._activity.begin(len(heard))
            with self._ready:
                self._waiting.extend(heard)
                self._ready.notify()

    def _run(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: bool(self._waiting))
                if self._disorder.shuffled:
                    # Waits for others to be overtaken by; every new one wakes it.
                    while self._ready.wait(_GATHERING_SECONDS):
                        pass
                batch = [*self._waiting]
                self._waiting.clear()
            for event in self._disordered(batch):
                self._deliver(event)
            self._activity.end(len(batch))

    def _disordered(self, batch: Sequence[Event]) -> Sequence[Event]:
        told = self._disorder
        again = [one for one in batch if told.duplicates and self._chance.random() < told.duplicates]
        events = [*batch, *again]
        if told.shuffled:
            self._chance.shuffle(events)
        return events

    def _deliver(self, event: Event) -> None:
        try:
            if self._router is not None:
                self._router.deliver(event)
        except Exception:
            logger.exception("event %s of %s is lost", event.detail_type, event.source)

    def get(self) -> dict[str, Any]:
        """The disorder as JSON."""
        return asdict(self._disorder)

    def put_disorder(self, disorder: Disorder) -> None:
        """Deliver that way from now on."""
        self._chance = random.Random(disorder.seed)  # noqa: S311 - no secret is made of it
        self._disorder = disorder

    def delete(self) -> None:
        """Deliver each event once and in order again."""
        self.put_disorder(Disorder())


BUS = Bus()
"""This process's."""
