"""Decide whether EventBridge may hand an event to a target.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from moto.utilities.utils import get_partition

from secrets_pipeline.access.evaluator import Caller, Context, Layer, PrincipalKind, Request, TargetResource, authorize
from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.core.secret_key import key_of
from secrets_pipeline.emulator.enforcement.callers import find_role, in_role
from secrets_pipeline.emulator.enforcement.contexts import about_time
from secrets_pipeline.emulator.enforcement.documents import policy
from secrets_pipeline.emulator.enforcement.organizations import belonging
from secrets_pipeline.emulator.enforcement.targets import AWS_MANAGED, key_target, role_target

if TYPE_CHECKING:
    from moto.events.models import EventBus, Rule
    from moto.sqs.models import Queue

    from secrets_pipeline.access.evaluator import Values
    from secrets_pipeline.emulator.core.event_bus import Event

PRINCIPAL = "events.amazonaws.com"
_KEY_USES = ("kms:GenerateDataKey", "kms:Decrypt")


@dataclass(frozen=True, slots=True)
class DeliveryRefused(Exception):
    """An event that a target does not get.

    Attributes:
        code: as the dead-letter queue tells it.
        message: the same.
    """

    code: str
    message: str


class Sender:
    """EventBridge on behalf of one rule.

    Args:
        rule: whose target it is.
        role_arn: the target's role; None where EventBridge acts as itself.

    Raises:
        Refused: EventBridge may not assume the role.
    """

    def __init__(self, rule: Rule, role_arn: str | None) -> None:
        self._about: dict[str, Values] = {
            **about_time(),
            "aws:sourcearn": (rule.arn,),
            "aws:sourceaccount": (rule.account_id,),
            **belonging(rule.account_id, get_partition(rule.region_name)).context("source"),
        }
        self._caller = Caller(PRINCIPAL, "", PrincipalKind.SERVICE)
        if role_arn is not None:
            self._caller = self._assume(role_arn, rule)

    def _assume(self, role_arn: str, rule: Rule) -> Caller:
        role = find_role(role_arn, get_partition(rule.region_name))
        if role is None or not self._allowed("sts:AssumeRole", role_target(role)):
            raise DeliveryRefused("NO_PERMISSIONS", f"{PRINCIPAL} may not assume {role_arn}")
        return in_role(role_arn, rule.name, rule.region_name).caller

    def _allowed(self, action: str, target: TargetResource, about: dict[str, Values] | None = None) -> bool:
        context = Context({**self._about, **(about or {})})
        return bool(authorize(Request(action, context), self._caller, target).allowed)

    def require_queue(self, queue: Queue) -> None:
        """Refuse a queue that it may not send to.

        Raises:
            Refused: by the queue, or by the key that encrypts it.
        """
        arn = str(queue.queue_arn)
        account_id, region = Arn.parse(arn).account_id, Arn.parse(arn).region
        target = TargetResource(arn, account_id, Layer.SECRET_POLICY, policy("queue policy", queue.policy))
        if not self._allowed("sqs:SendMessage", target):
            raise DeliveryRefused("NO_PERMISSIONS", f"may not sqs:SendMessage to {arn}")
        key_id = str(getattr(queue, "kms_master_key_id", None) or "")
        if key_id:
            self._require_key(key_id, arn, account_id, region)

    def _require_key(self, key_id: str, queue_arn: str, account_id: str, region: str) -> None:
        """EventBridge is no customer whom an AWS managed key would serve.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        """
        try:
            key = key_of(key_id, account_id, region)
        except Fault:
            raise DeliveryRefused("KMS_NOT_FOUND", f"the key {key_id} of {queue_arn} does not exist") from None
        if key.key_state != "Enabled":
            raise DeliveryRefused("KMS_DISABLED", f"{key.arn} is {key.key_state}")
        about: dict[str, Values] = {
            "kms:encryptioncontext:aws:sqs:arn": (queue_arn,),
            "kms:encryptioncontextkeys": ("aws:sqs:arn",),
            "kms:viaservice": (f"sqs.{region}.amazonaws.com",),
        }
        managed = key.key_manager == AWS_MANAGED or key_id.endswith("alias/aws/sqs")
        if managed or not all(self._allowed(use, key_target(key), about) for use in _KEY_USES):
            raise DeliveryRefused("KMS_ACCESS_DENIED", f"may not use {key.arn}, which encrypts {queue_arn}")

    def require_bus(self, bus: EventBus, event: Event) -> None:
        """Refuse a bus that it may not put an event on.

        Raises:
            Refused: by the role's policies, or by the bus.
        """
        about: dict[str, Values] = {
            "events:source": (event.source,),
            "events:detail-type": (event.detail_type,),
            "events:eventbusinvocation": ("true",),
        }
        target = TargetResource(bus.arn, bus.account_id, Layer.SECRET_POLICY, policy("bus policy", bus.policy))
        if not self._allowed("events:PutEvents", target, about):
            raise DeliveryRefused("NO_PERMISSIONS", f"may not events:PutEvents on {bus.arn}")
