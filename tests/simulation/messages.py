"""SQS in memory: the queue of events, which delivers at least once and in no order.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/events"
MOST_RECEIVES = 30
"""After which a message is a dead letter."""


@dataclass
class Waiting:
    """A message.

    Attributes:
        visible: virtual second from which on it can be received.
        receives: how often it was.
    """

    number: int
    body: str
    visible: float
    receives: int = 0


class Messages:
    """One queue.

    Args:
        clock: virtual seconds.
        rng: of the seed.

    Attributes:
        waiting: what is there, hidden messages included.
        dead: what was received too often.
        losing: how likely one entry of a batch is not deleted.
    """

    def __init__(self, clock: Callable[[], float], rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._sent = 0
        self.waiting: list[Waiting] = []
        self.dead: list[Waiting] = []
        self.losing = 0.0

    def send(self, body: str, due: float) -> None:
        """Have a message arrive at a virtual second."""
        self._sent += 1
        self.waiting.append(Waiting(self._sent, body, due))

    def call(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Perform one operation."""
        return {"ReceiveMessage": self._receive, "DeleteMessageBatch": self._delete}[operation](params)

    def _receive(self, params: Mapping[str, Any]) -> dict[str, Any]:
        visible = [one for one in self.waiting if one.visible <= self._clock()]
        found = self._rng.sample(visible, min(len(visible), params["MaxNumberOfMessages"]))
        shown = []
        for one in found:
            one.receives += 1
            if one.receives > MOST_RECEIVES:
                self.waiting.remove(one)
                self.dead.append(one)
                continue
            one.visible = self._clock() + params["VisibilityTimeout"]
            shown.append(
                {
                    "MessageId": f"message-{one.number}",
                    "ReceiptHandle": f"{one.number}",
                    "Body": one.body,
                    "Attributes": {"ApproximateReceiveCount": str(one.receives)},
                }
            )
        return {"Messages": shown}

    def _delete(self, params: Mapping[str, Any]) -> dict[str, Any]:
        done, failed = [], []
        for entry in params["Entries"]:
            if self._rng.random() < self.losing:
                failed.append({"Id": entry["Id"], "SenderFault": False, "Code": "InternalError"})
                continue
            self.waiting = [one for one in self.waiting if str(one.number) != entry["ReceiptHandle"]]
            done.append({"Id": entry["Id"]})
        return {"Successful": done, "Failed": failed}
