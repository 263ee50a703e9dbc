"""Move the messages of a dead-letter queue, as SQS's message move tasks do, which moto lacks.

Sources: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html and
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.sqs.exceptions import InvalidParameterValue, SQSException
from moto.sqs.models import sqs_backends

from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.control.delays import MOVE
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.activity import ACTIVITY
from secrets_pipeline.emulator.core.clock import CLOCK

if TYPE_CHECKING:
    from moto.sqs.models import Queue
    from moto.sqs.responses import SQSResponse

_MOST = 10
_RUNNING, _COMPLETED, _FAILED = "RUNNING", "COMPLETED", "FAILED"


@dataclass
class _Task:
    """One task; its handle is told while it runs."""

    source: str
    destination: str | None
    to_move: int
    handle: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = _RUNNING
    moved: int = 0
    failure: str = ""
    started: int = field(default_factory=lambda: int(CLOCK.now() * 1000))

    def entry(self) -> dict[str, Any]:
        """As ListMessageMoveTasks tells it."""
        return {
            **({"TaskHandle": self.handle} if self.status == _RUNNING else {}),
            **({"DestinationArn": self.destination} if self.destination else {}),
            "Status": self.status,
            **({"FailureReason": self.failure} if self.failure else {}),
            "SourceArn": self.source,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            "StartedTimestamp": self.started,
        }


_tasks: defaultdict[str, list[_Task]] = defaultdict(list)


def start_message_move_task(self: SQSResponse) -> ActionResult:
    """Begin to move what is visible in a dead-letter queue; without a destination to its one source queue."""
    params: Any = self.params
    source, destination = str(params.get("SourceArn")), params.get("DestinationArn")
    queue, sources = _named(source, "SourceArn"), _sources(source)
    if not sources:
        raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
    target = _named(str(destination), "DestinationArn") if destination else sources[0]
    if any(one.status == _RUNNING for one in _tasks[source]):
        raise InvalidParameterValue(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    task = _Task(source, destination, len(queue.messages))
    _tasks[source].insert(0, task)
    ACTIVITY.begin()
    Thread(target=_move, args=(task, queue, target), name="message move", daemon=True).start()
    return ActionResult({"TaskHandle": task.handle})


def list_message_move_tasks(self: SQSResponse) -> ActionResult:
    """The latest tasks of a queue, one by default."""
    params: Any = self.params
    source = str(params.get("SourceArn"))
    _named(source, "SourceArn")
    most = min(int(params.get("MaxResults") or 1), _MOST)
    return ActionResult({"Results": [one.entry() for one in _tasks[source][:most]]})


def _move(task: _Task, queue: Queue, target: Queue) -> None:
    """Send each message anew, and leave what somebody has received meanwhile; fail if the destination is gone."""
    PACE.wait(MOVE, task.source, task.started / 1000)
    try:
        to = Arn.parse(str(target.queue_arn))
        backend: Any = sqs_backends[to.account_id][to.region]
        for message in list(queue.messages):
            backend.send_message(target.name, message.body, message_attributes=message.message_attributes)
            vars(queue)["_messages"].remove(message)
            task.moved += 1
        task.status = _COMPLETED
    except SQSException as error:
        task.status, task.failure = _FAILED, error.code
    finally:
        ACTIVITY.end()


def _named(arn: str, parameter: str) -> Queue:
    named = Arn.match(arn)
    queues = sqs_backends[named.account_id][named.region].queues if named else {}
    if named is None or named.resource not in queues:
        raise SQSException(
            "ResourceNotFoundException",
            f"The resource that you specified for the {parameter} parameter doesn't exist.",
        )
    return queues[named.resource]


def _sources(arn: str) -> list[Queue]:
    named = Arn.parse(arn)
    found: list[Queue] = sqs_backends[named.account_id][named.region].list_dead_letter_source_queues(named.resource)
    return found
