"""SQS as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- To receive ten of a thousand messages takes no seconds: moto counts every message of the queue three times for each
  one that it hands out, to learn how long the queue keeps them.
- To send takes as long to a full queue as to an empty one: moto counts every message of the queue three times for each
  one that it takes in, to learn whether the queue deduplicates by content.
- A queue's policy comes back normalised, see `documents`.
- Message move tasks bring dead letters back: StartMessageMoveTask and ListMessageMoveTasks, see `sqs_moves`.
- A queue has one kind of encryption: a KMS key switches SQS's own off, both at once are refused. moto keeps both on.
- SetQueueAttributes changes the attributes that are sent; moto drops the policy if it is not among them.
- CreateQueue names the attribute that differs; batches for more than ten messages and with bad ids are refused.

`tests/contracts/recorded/` has AWS's recorded answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores, unix_time
from moto.sqs.exceptions import QueueAlreadyExists, SQSException
from moto.sqs.models import Message, Queue, SQSBackend
from moto.sqs.responses import SQSResponse

from secrets_pipeline.emulator.services import sqs_moves
from secrets_pipeline.emulator.services.documents import normalised

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)
"""The attributes for which moto goes through all messages."""

_KEY, _OWN = "KmsMasterKeyId", "SqsManagedSseEnabled"
_BATCHES = {
    "delete_message_batch": "DeleteMessageBatch",
    "change_message_visibility_batch": "ChangeMessageVisibilityBatch",
}
_BATCH = 10
_ENTRY_ID = re.compile(r"[\w-]{1,80}", re.ASCII)

_moto_attributes = SQSBackend.get_queue_attributes
_moto_create = SQSBackend.create_queue
_moto_set = SQSBackend.set_queue_attributes


def _is_kept(self: SQSBackend, queue_name: str, message: Message) -> bool:
    """Whether a message is younger than its queue keeps messages."""
    kept: Any = self.get_queue(queue_name).message_retention_period  # type: ignore[attr-defined] # set by name
    return int(kept) + (message.sent_timestamp or 0) / 1000 > unix_time()


def _attributes(self: SQSBackend, queue_name: str, attribute_names: list[str]) -> dict[str, Any]:
    """The attributes that are asked for; messages are counted if a count is among them."""
    others = [name for name in attribute_names if name not in _COUNTS]
    found = _moto_attributes(self, queue_name, others)
    if found.get("Policy"):
        found["Policy"] = normalised(str(found["Policy"]))
    queue = self.get_queue(queue_name)
    counted = _COUNTS if "All" in attribute_names else [name for name in attribute_names if name in _COUNTS]
    return {**found, **{name: getattr(queue, camelcase_to_underscores(name)) for name in counted}}


def _with_one_encryption(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes with SQS's own encryption off if a key is named, also by an empty text.

    Raises:
        SQSException: both kinds are asked for.
    """
    own = attributes.get(_OWN)
    if own == "true" and attributes.get(_KEY):
        raise SQSException(
            "InvalidAttributeName",
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS "
            "SSE.",
        )
    if own == "true":
        return {**attributes, _KEY: ""}
    return {**attributes, _OWN: "false"} if _KEY in attributes else dict(attributes)


def _create_queue(self: SQSBackend, name: str, tags: dict[str, str] | None = None, **attributes: Any) -> Queue:  # noqa: ANN401 - as moto has them
    present, asked = self.queues.get(name), _with_one_encryption(attributes)
    try:
        return _moto_create(self, name, tags, **asked)
    except QueueAlreadyExists:
        made: Any = Queue
        other = made(name, self.region_name, self.account_id, **{k: v for k, v in asked.items() if k != "region"})
        differs = (one for one in attributes if present and present.attributes.get(one) != other.attributes.get(one))
        raise QueueAlreadyExists(
            "A queue already exists with the same name and a different value for attribute " + next(differs, "")
        ) from None


def _set_queue_attributes(self: SQSBackend, queue_name: str, attributes: dict[str, Any]) -> Queue:
    policy = self.get_queue(queue_name).policy
    return _moto_set(self, queue_name, {"Policy": policy, **_with_one_encryption(attributes)})


def _refusing_bad_batches(action: str, perform: Callable[[SQSResponse], ActionResult]) -> Callable[..., ActionResult]:
    def checked(self: SQSResponse) -> ActionResult:
        params: Any = self.params
        entries: Sequence[Mapping[str, Any]] = params.get("Entries") or ()
        ids = [str(one.get("Id")) for one in entries]
        if not entries:
            raise _batch_error(
                "EmptyBatchRequest", f"There should be at least one {action}RequestEntry in the request."
            )
        if len(entries) > _BATCH:
            said = f"Maximum number of entries per request are {_BATCH}. You have sent {len(entries)}."
            raise _batch_error("TooManyEntriesInBatchRequest", said)
        if not all(map(_ENTRY_ID.fullmatch, ids)):
            said = (
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most "
                "80 letters long."
            )
            raise _batch_error("InvalidBatchEntryId", said)
        if repeated := next((one for one in ids if ids.count(one) > 1), ""):
            raise _batch_error("BatchEntryIdsNotDistinct", f"Id {repeated} repeated.")
        return perform(self)

    return checked


def _batch_error(name: str, message: str) -> SQSException:
    return SQSException(f"AWS.SimpleQueueService.{name}", message)


def install() -> None:
    """Put these in the place of moto's methods, also for the queues that exist."""
    backend: Any = SQSBackend
    backend.is_message_valid_based_on_retention_period = _is_kept
    backend.get_queue_attributes = _attributes
    backend.create_queue = _create_queue
    backend.set_queue_attributes = _set_queue_attributes
    response: Any = SQSResponse
    response.start_message_move_task = sqs_moves.start_message_move_task
    response.list_message_move_tasks = sqs_moves.list_message_move_tasks
    for operation, action in _BATCHES.items():
        setattr(response, operation, _refusing_bad_batches(action, getattr(response, operation)))
    Queue.BASE_ATTRIBUTES = [name for name in Queue.BASE_ATTRIBUTES if name not in _COUNTS]
