"""Dead letters are put back by a message move task, also by one that somebody else started."""

from __future__ import annotations

import itertools
import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.errors import AwsError
from secrets_pipeline.rotation.events.queue import EventQueue
from secrets_pipeline.rotation.events.redrive import put_back
from tests.embedded import lead_to

if TYPE_CHECKING:
    from collections.abc import Callable

_numbers = itertools.count()
RUNNING = "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
"""LocalStack's tests/aws/services/sqs/test_sqs_move_task.py::test_start_multiple_move_tasks, validated on AWS."""
TASK = {"Status": "RUNNING", "StartedTimestamp": 1, "ApproximateNumberOfMessagesMoved": 0}


@pytest.fixture
def account(aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch) -> AwsAccount:
    lead_to(aws, monkeypatch)
    return Sessions().for_target(Target(region=aws.region))


@pytest.fixture
def queues(account: AwsAccount) -> tuple[EventQueue, str]:
    """A queue of events, and the ARN of its dead-letter queue with one message."""
    sqs: Any = boto3.client("sqs")
    name = f"redriven-{next(_numbers)}"
    dead = sqs.create_queue(QueueName=f"{name}-dead-letters")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    sqs.send_message(QueueUrl=dead, MessageBody="dead")
    return EventQueue(account.client("sqs"), url), arn


def put(account: AwsAccount, arn: str, queue: EventQueue, sleep: Callable[[float], object]) -> str:
    """What came of it: its status and how many, or the code of the failure."""
    try:
        moved = put_back(account, arn, queue, seconds=20, sleep=sleep)
    except AwsError as error:
        return error.code
    return f"{moved.status} {moved.count}"


def test_a_task_that_began_since_we_looked_is_followed(account: AwsAccount, queues: tuple[EventQueue, str]) -> None:
    queue, arn = queues
    tasks: list[dict[str, Any]] = []
    events = account.client("sqs").meta.events

    def refuse(parsed: dict[str, Any], http_response: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        tasks.append(TASK)
        http_response.status_code = 400
        parsed["Error"] = {"Code": "InvalidParameterValue", "Message": RUNNING, "Type": "Sender"}

    def show(parsed: dict[str, Any], **_: object) -> None:
        parsed["Results"] = list(tasks)

    events.register("after-call.sqs.StartMessageMoveTask", refuse)
    events.register("after-call.sqs.ListMessageMoveTasks", show)
    end = {**TASK, "Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 1}
    assert put(account, arn, queue, lambda _: tasks.__setitem__(0, end)) == "COMPLETED 1"


def test_another_refusal_is_not_taken_for_a_task_of_somebody(
    account: AwsAccount, queues: tuple[EventQueue, str]
) -> None:
    queue, arn = queues
    sqs: Any = boto3.client("sqs")
    sqs.set_queue_attributes(
        QueueUrl=sqs.get_queue_url(QueueName=arn.rpartition(":")[2].removesuffix("-dead-letters"))["QueueUrl"],
        Attributes={"RedrivePolicy": ""},
    )
    assert put(account, arn, queue, lambda _: None) == "InvalidParameterValue"


def test_two_at_once_put_each_message_back_once(
    aws: emulator.LocalAws, account: AwsAccount, queues: tuple[EventQueue, str]
) -> None:
    queue, arn = queues
    emulator.set_pace(aws, emulator.Pace(seconds={"message move task RUNNING": 600.0}))
    said: list[str] = []

    def ten_minutes_later() -> None:
        emulator.advance(aws, timedelta(seconds=600))

    start, wait = threading.Barrier(2), threading.Barrier(2, ten_minutes_later, 60)

    def run() -> None:
        start.wait()
        said.append(put(account, arn, queue, lambda _: wait.wait()))

    threads = [threading.Thread(target=run) for _ in range(2)]
    try:
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        emulator.reset_conditions(aws)
    assert said == ["COMPLETED 1", "COMPLETED 1"]
    assert [one.body for one in queue.receive(10, hidden_for=60, seconds=5)] == ["dead"]
