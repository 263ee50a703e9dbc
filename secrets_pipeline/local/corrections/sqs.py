"""SQS as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- To receive ten of a thousand messages takes no seconds: moto counts every message of the queue three times for each
  one that it hands out, to learn how long the queue keeps them.
"""

from __future__ import annotations

from typing import Any

from moto.core.utils import unix_time
from moto.sqs.models import Message, SQSBackend


def _is_kept(self: SQSBackend, queue_name: str, message: Message) -> bool:
    """Whether a message is younger than its queue keeps messages."""
    kept: Any = self.get_queue(queue_name).message_retention_period  # type: ignore[attr-defined] # set by name
    return int(kept) + (message.sent_timestamp or 0) / 1000 > unix_time()


def install() -> None:
    """Put this in the place of moto's method, also for the queues that exist."""
    backend: Any = SQSBackend
    backend.is_message_valid_based_on_retention_period = _is_kept
