"""Put dead letters back into the queue of events: by a message move task at home, one by one from elsewhere.

A task moves from the dead-letter queue of another SQS queue alone. Elsewhere nothing but EventBridge sends to one.
Sources: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html and
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from secrets_pipeline.arn import Arn
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import AwsError
from secrets_pipeline.rotation.events.queue import EventQueue

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import ListMessageMoveTasksResultEntryTypeDef

_PAUSE_SECONDS = 1.0
_BATCH, _HIDDEN_SECONDS, _RECEIVING_SECONDS = 100, 60, 10.0


class MoveStatus(StrEnum):
    """How far a move has come; the first five are SQS's."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of the dead letters of one queue.

    Attributes:
        arn: of the dead-letter queue.
        count: messages that were put back, about.
        status: whether that is all.
        why: SQS's reason for a failure; empty for none.
    """

    arn: str
    count: int
    status: MoveStatus
    why: str = ""


_UNDER_WAY = (MoveStatus.RUNNING, MoveStatus.CANCELLING)
_ONE_AT_A_TIME = "InvalidParameterValue"


def put_back(
    account: AwsAccount,
    dead_letters: str,
    queue: EventQueue,
    *,
    seconds: float,
    sleep: Callable[[float], object] = time.sleep,
) -> Moved:
    """Put the messages of one dead-letter queue back into the queue of events.

    Args:
        account: of the dead-letter queue.
        dead_letters: its ARN.
        queue: of events.
        seconds: to wait at most for SQS to move them.
        sleep: waits.

    Raises:
        AwsError: if SQS refuses.
    """
    home = queue.arn()
    if dead_letters == f"{home}-dead-letters":
        return _moved_at_home(account, dead_letters, home, seconds=seconds, sleep=sleep)
    elsewhere = EventQueue.find(account, Arn.parse(dead_letters).resource)
    if elsewhere is None:
        return Moved(dead_letters, 0, MoveStatus.COMPLETED)
    return _moved_from_elsewhere(elsewhere, dead_letters, queue)


def _moved_at_home(
    account: AwsAccount, dead_letters: str, queue: str, *, seconds: float, sleep: Callable[[float], object]
) -> Moved:
    """Call StartMessageMoveTask, unless a task runs, and ListMessageMoveTasks until it has ended.

    If somebody started a task since we looked, SQS refuses ours with InvalidParameterValue: follow theirs.
    The destination is said, as what EventBridge itself put there came from no queue that SQS could know.
    """
    sqs, until = account.client("sqs"), time.monotonic() + seconds

    def latest() -> ListMessageMoveTasksResultEntryTypeDef | None:
        with calling("ListMessageMoveTasks", dead_letters):
            return next(
                iter(sqs.list_message_move_tasks(SourceArn=dead_letters, MaxResults=1).get("Results", [])), None
            )

    task = earlier = latest()
    if task is None or task.get("Status") not in _UNDER_WAY:
        try:
            with calling("StartMessageMoveTask", dead_letters):
                sqs.start_message_move_task(SourceArn=dead_letters, DestinationArn=queue)
        except AwsError as error:
            task = _other_than(earlier, latest()) if error.code == _ONE_AT_A_TIME else None
            if task is None:
                raise
        else:
            task = _other_than(earlier, latest())
    while (task is None or task.get("Status") == MoveStatus.RUNNING) and time.monotonic() < until:
        sleep(_PAUSE_SECONDS)
        task = _other_than(earlier, latest()) if task is None else latest()
    if task is None:
        return Moved(dead_letters, 0, MoveStatus.RUNNING)
    count = int(task.get("ApproximateNumberOfMessagesMoved") or 0)
    return Moved(dead_letters, count, MoveStatus(task["Status"]), str(task.get("FailureReason") or ""))


def _other_than(
    earlier: ListMessageMoveTasksResultEntryTypeDef | None, found: ListMessageMoveTasksResultEntryTypeDef | None
) -> ListMessageMoveTasksResultEntryTypeDef | None:
    """A task that is not the one before; a list may be late."""
    same = earlier and found and earlier.get("StartedTimestamp") == found.get("StartedTimestamp")
    return None if same else found


def _moved_from_elsewhere(dead_letters: EventQueue, arn: str, queue: EventQueue) -> Moved:
    """Receive each dead letter, send it to the queue, and delete it then: one that comes twice starts no run."""
    count = 0
    while messages := dead_letters.receive(_BATCH, hidden_for=_HIDDEN_SECONDS, seconds=_RECEIVING_SECONDS):
        for message in messages:
            queue.send(message.body)
            dead_letters.delete([message])
        count += len(messages)
    return Moved(arn, count, MoveStatus.COMPLETED)
