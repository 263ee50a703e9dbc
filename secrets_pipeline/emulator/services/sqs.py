"""SQS as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- To receive ten of a thousand messages takes no seconds: moto counts every message of the queue three times for each
  one that it hands out, to learn how long the queue keeps them.
- To send takes as long to a full queue as to an empty one: moto counts every message of the queue three times for each
  one that it takes in, to learn whether the queue deduplicates by content.
- A queue's policy comes back normalised, see `documents`.
- Message move tasks bring dead letters back: StartMessageMoveTask and ListMessageMoveTasks, see `sqs_moves`.
"""

from __future__ import annotations

from typing import Any

from moto.core.utils import camelcase_to_underscores, unix_time
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

_moto_attributes = SQSBackend.get_queue_attributes


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


def install() -> None:
    """Put these in the place of moto's methods, also for the queues that exist."""
    backend: Any = SQSBackend
    backend.is_message_valid_based_on_retention_period = _is_kept
    backend.get_queue_attributes = _attributes
    response: Any = SQSResponse
    response.start_message_move_task = sqs_moves.start_message_move_task
    response.list_message_move_tasks = sqs_moves.list_message_move_tasks
    Queue.BASE_ATTRIBUTES = [name for name in Queue.BASE_ATTRIBUTES if name not in _COUNTS]
