"""EventBridge: what Secrets Manager and CloudTrail tell, late, twice and in no order, by the rules of the product."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from moto.events.models import EventPattern

from secrets_pipeline.emulator.core.event_bus import Event
from secrets_pipeline.emulator.services.cloudtrail import delivery
from secrets_pipeline.emulator.services.secretsmanager import announce
from secrets_pipeline.reconcilers.event_queue.desired import RULES
from secrets_pipeline.rotation.events import names
from tests.simulation.calls import Call
from tests.simulation.cloud import OWN_ARN
from tests.simulation.ledger import unsuffixed
from tests.simulation.rds import ACCOUNT, REGION

if TYPE_CHECKING:
    import pytest

    from tests.simulation.simulation import Simulation

_PATTERNS = [EventPattern.load(json.dumps(pattern)) for pattern in RULES.values()]
_DUPLICATE, _LONG_WAY = 0.15, 0.15
SOMEBODY = f"arn:aws:sts::{ACCOUNT}:assumed-role/Administrator/jane"
JOBS: Mapping[str, str] = {
    names.LABEL_UPDATED: "on_rotation",
    **dict.fromkeys(names.SUCCEEDED, "on_rotation"),
    **dict.fromkeys(names.FAILED, "on_rotation_failure"),
    **dict.fromkeys(names.SECRET_CALLS, "on_outside_change"),
}
"""What has to follow an event, by its name."""


@dataclass(frozen=True)
class Happened:
    """An event that a rule sent to the queue.

    Attributes:
        turn: when it happened.
        name: what happened.
        secret: the name of the secret that it happened to.
        caller: who did it.
    """

    event_id: str
    turn: int
    name: str
    secret: str
    caller: str

    @property
    def job(self) -> str:
        """The job that has to follow it."""
        return JOBS[self.name]

    @property
    def is_own(self) -> bool:
        """Whether the pipeline did it itself."""
        return self.caller.startswith("apply")


class Events:
    """The default bus of one account and region.

    Attributes:
        happened: what was sent to the queue.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._told = 0
        self.happened: list[Happened] = []

    def listen(self, patch: pytest.MonkeyPatch) -> None:
        """Be the bus of this process for as long as the patch stays."""
        patch.setattr(announce, "BUS", self)
        patch.setattr(delivery, "BUS", self)

    def put(self, *events: Event) -> None:
        """See `local.bus.Bus`."""
        # The rules are those of the stack's region: what its replicas tell elsewhere nobody hears.
        for event in (one for one in events if one.region == REGION):
            self._told += 1
            document: Any = replace(event, id=f"event-{self._told:06}").document()
            if any(pattern.matches_event(document) for pattern in _PATTERNS):
                self._send(document)

    def called(self, call: Call) -> None:
        """What CloudTrail tells of a call that succeeded."""
        if call.service != "secretsmanager" or call.reads or call.caller in ("function", "rotation", "others"):
            return
        secret = self._simulation.cloud.secret(call.subject)
        actor = OWN_ARN if call.caller.startswith("apply") else SOMEBODY
        detail: dict[str, Any] = {
            "userIdentity": {"arn": actor, "accountId": ACCOUNT},
            "eventName": call.operation,
            "requestParameters": {"secretId": call.subject},
            "responseElements": {"arn": secret.arn} if secret else None,
            "readOnly": False,
        }
        self.put(Event(ACCOUNT, REGION, names.SECRETS_MANAGER, names.API_CALL, detail))

    def _send(self, document: Mapping[str, Any]) -> None:
        simulation, detail = self._simulation, document["detail"]
        name = str(detail.get("eventName") or document["detail-type"])
        more = detail.get("additionalEventData") or {}
        asked = detail.get("requestParameters") or {}
        subject = str(detail.get("name") or more.get("SecretId") or asked.get("secretId") or "")
        found = simulation.cloud.secret(subject)
        secret = found.name if found else unsuffixed(subject)
        one = Happened(document["id"], simulation.ledger.turn, name, secret, simulation.cloud.caller)
        self.happened.append(one)
        simulation.ledger.say("events", f"{one.event_id} {name} {secret}")
        rng = simulation.rng
        for _ in range(1 + (rng.random() < _DUPLICATE)):
            way = 40.0 if rng.random() < _LONG_WAY else 2.0
            simulation.cloud.messages.send(json.dumps(document), simulation.scheduler.clock + rng.random() * way)
