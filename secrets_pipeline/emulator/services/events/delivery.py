"""Deliver events from a bus through its rules to their targets: queues, other buses, and what moto knows besides.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html
"""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from moto.events.models import Rule, events_backends
from moto.events.utils import EventTemplateParser
from moto.sqs.models import sqs_backends

from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.services.events.permissions import DeliveryRefused, Sender

if TYPE_CHECKING:
    from moto.events.models import EventBus
    from moto.sqs.models import Queue

    from secrets_pipeline.emulator.core.event_bus import Event

logger = logging.getLogger(__name__)

_ROLE_NEEDED = "a bus is a target through a role only"
_FURTHER = "an event that came from another account or region goes no further"


def to_bus(bus: EventBus, event: Event, *, travelled: bool) -> None:
    """Hand an event to the rules of a bus.

    Args:
        bus: where it is.
        event: the event.
        travelled: whether it came from another bus.
    """
    for rule in list(bus.rules.values()):
        by_rule(rule, event, travelled=travelled)


def by_rule(rule: Rule, event: Event, *, travelled: bool = False) -> None:
    """Hand an event to a rule's targets, if the rule is enabled and matches it."""
    document: Any = event.document()
    if rule.state == "DISABLED" or not rule.event_pattern.matches_event(document):
        return
    for target in list(rule.targets):
        try:
            _to_target(rule, target, event, travelled=travelled)
        except DeliveryRefused as refusal:
            logger.info("%s: %s", rule.arn, refusal.message)
            _to_dead_letters(rule, target, event, refusal)


def _to_target(rule: Rule, target: Mapping[str, Any], event: Event, *, travelled: bool) -> None:
    arn = str(target["Arn"])
    named = _named(arn)
    if named.service == "sqs":
        queue = _queue(arn)
        Sender(rule, target.get("RoleArn")).require_queue(queue)
        group = (target.get("SqsParameters") or {}).get("MessageGroupId")
        _send(queue, _body(target, event), group=group)
    elif (named.service, named.kind) == ("events", "event-bus"):
        if travelled:
            raise DeliveryRefused("SDK_CLIENT_ERROR", _FURTHER)
        bus = events_backends[named.account_id][named.region].event_buses.get(named.name)
        if bus is None:
            raise DeliveryRefused("RESOURCE_NOT_FOUND", f"{arn} does not exist")
        if target.get("RoleArn") is None:
            raise DeliveryRefused("NO_PERMISSIONS", _ROLE_NEEDED)
        Sender(rule, target["RoleArn"]).require_bus(bus, event)
        to_bus(bus, event, travelled=True)
    else:
        _as_moto_does(rule, target, event)


def _named(arn: str) -> Arn:
    found = Arn.match(arn)
    if found is None:
        raise DeliveryRefused("RESOURCE_NOT_FOUND", f"{arn} is no ARN")
    return found


def _queue(arn: str) -> Queue:
    named = _named(arn)
    queue = sqs_backends[named.account_id][named.region].queues.get(named.resource)
    if queue is None:
        raise DeliveryRefused("RESOURCE_NOT_FOUND", f"{arn} does not exist")
    return queue


def _send(queue: Queue, body: str, *, group: str | None = None, attributes: Mapping[str, str] | None = None) -> None:
    arn = Arn.parse(str(queue.queue_arn))
    told = {name: {"DataType": "String", "StringValue": text} for name, text in (attributes or {}).items()}
    backend = sqs_backends[arn.account_id][arn.region]
    backend.send_message(queue.name, body, message_attributes=told, group_id=group)


def _body(target: Mapping[str, Any], event: Event) -> str:
    document = event.document()
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath") or target.get("InputTransformer"):
        transformer = target.get("InputTransformer") or {
            "InputPathsMap": {"whole": target["InputPath"]},
            "InputTemplate": "<whole>",
        }
        known: Any = {**document, "ingestion-time": document["time"]}
        made: Any = EventTemplateParser.parse(
            str(transformer["InputTemplate"]), transformer.get("InputPathsMap") or {}, known
        )
        return made if isinstance(made, str) else json.dumps(made)
    return json.dumps(document)


def _as_moto_does(rule: Rule, target: Mapping[str, Any], event: Event) -> None:
    alone = copy.copy(rule)
    alone.targets = [dict(target)]
    message: Any = {**event.document(), "time": event.moment, "ingestion-time": event.moment}
    try:
        Rule.send_to_targets(alone, message)
    except NotImplementedError:  # moto's word for a kind of target that it lacks
        logger.warning("%s: events do not reach %s in the embedded AWS", rule.arn, target["Arn"])


def _to_dead_letters(rule: Rule, target: Mapping[str, Any], event: Event, refusal: DeliveryRefused) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html."""
    arn = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not arn:
        return
    attributes = {
        "RULE_ARN": rule.arn,
        "TARGET_ARN": str(target["Arn"]),
        "ERROR_CODE": refusal.code,
        "ERROR_MESSAGE": refusal.message,
    }
    try:
        queue = _queue(str(arn))
        Sender(rule, None).require_queue(queue)
    except DeliveryRefused as further:
        logger.warning("%s: an event is lost, since its dead-letter queue refuses it: %s", rule.arn, further.message)
        return
    _send(queue, json.dumps(event.document()), attributes=attributes)
