"""Replace moto's rule, bus and backend of EventBridge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.events import models as moto_models
from moto.events.models import EventBus, EventsBackend, events_backends
from moto.events.models import Rule as MotoRule

from secrets_pipeline.emulator.core.event_bus import BUS, Event
from secrets_pipeline.emulator.services.documents import normalised
from secrets_pipeline.emulator.services.events import delivery

_DEFAULT = "default"
_MOST = 10


class Rule(MotoRule):
    """A rule whose targets get events as they are."""

    def send_to_targets(self, original_event: Any, transform_input: bool = True) -> None:  # noqa: ANN401 - moto's
        """Deliver what a client put."""
        message: Mapping[str, Any] = original_event
        event = Event(
            account_id=str(message["account"]),
            region=str(message["region"]),
            source=str(message["source"]),
            detail_type=str(message["detail-type"]),
            detail=message["detail"],
            resources=tuple(message.get("resources") or ()),
            moment=float(message["time"]),
            id=str(message["id"]),
        )
        if "archive-arn" in message or any(_to_archive(one) for one in self.targets):
            super().send_to_targets(original_event, transform_input=transform_input)
        else:
            delivery.by_rule(self, event)


def _to_archive(target: Mapping[str, Any]) -> bool:
    return str(target["Arn"]).endswith(":events:::")


class PolicyBus(EventBus):
    """A bus with a policy of any form."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - moto's
        super().__init__(*args, **kwargs)
        self._whole: dict[str, Any] | None = None

    @property
    def policy(self) -> str | None:
        """JSON; None for none."""
        return super().policy if self._whole is None else normalised(json.dumps(self._whole))

    def has_permissions(self) -> bool:
        """Whether there is a statement."""
        return self.policy is not None

    def add_policy(self, policy: dict[str, Any]) -> None:
        """Replace the policy."""
        self._statements.clear()
        self._whole = policy

    def add_permission(self, statement_id: str, action: str, principal: dict[str, str], condition: Any) -> None:  # noqa: ANN401 - moto's
        """Add one statement."""
        if self._whole is None:
            super().add_permission(statement_id, action, principal, condition)
            return
        self.remove_statement(statement_id)
        statement = {"Sid": statement_id, "Effect": "Allow", "Principal": principal, "Action": action}
        limits = {"Condition": condition} if condition else {}
        held = self._whole or {"Version": "2012-10-17", "Statement": []}
        self._whole = {**held, "Statement": [*held["Statement"], {**statement, "Resource": self.arn, **limits}]}

    def remove_statement(self, sid: str) -> Any:  # noqa: ANN401 - moto's
        """Take one statement away."""
        if self._whole is None:
            return super().remove_statement(sid)
        gone = [one for one in self._whole["Statement"] if one.get("Sid") == sid]
        left = [one for one in self._whole["Statement"] if one.get("Sid") != sid]
        self._whole = {**self._whole, "Statement": left} if left else None
        return gone[0] if gone else None

    def remove_statements(self) -> None:
        """Take all of them away."""
        self._whole = None
        super().remove_statements()


class EmulatedEventsBackend(EventsBackend):
    """EventBridge whose clients put no events of AWS services."""

    def put_events(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html."""
        if len(events) > _MOST:
            return super().put_events(events)
        return [self._put(one) for one in events]

    def _put(self, event: dict[str, Any]) -> dict[str, Any]:
        if str(event.get("Source") or "").startswith("aws."):
            return {
                "ErrorCode": "NotAuthorizedForSourceException",
                "ErrorMessage": f"Not authorized for the source: {event['Source']}.",
            }
        (entry,) = super().put_events([event])
        return entry

    @staticmethod
    def _put_permission_from_policy(event_bus: EventBus, policy: str) -> None:
        try:
            event_bus.add_policy(json.loads(policy))
        except ValueError:
            raise JsonRESTError("ValidationException", "This policy contains invalid Json") from None


class _Router:
    """From the default bus of an account and region."""

    def hears(self, account_id: str, region: str) -> bool:
        """Whether there is a rule; looks without making a backend."""
        backends: Any = events_backends
        of_account = dict.get(backends, account_id)
        backend = None if of_account is None else dict.get(of_account, region)
        return backend is not None and any(one.rules for one in list(backend.event_buses.values()))

    def deliver(self, event: Event) -> None:
        """Hand an event to the rules of the default bus."""
        bus = events_backends[event.account_id][event.region].event_buses[_DEFAULT]
        delivery.to_bus(bus, event, travelled=False)


def install() -> None:
    """Put these classes in the place of moto's."""
    models: Any = moto_models  # names that its functions look up when they make one
    models.Rule, models.EventBus = Rule, PolicyBus
    backends: Any = events_backends
    backends.backend = EmulatedEventsBackend
    BUS.connect(_Router())
