"""What has the queue's name in its own name fits AWS's limits, also with the longest name that the settings take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from pydantic import ValidationError

from secrets_pipeline.arn import Arn
from secrets_pipeline.desired.settings.operator import EventSettings
from secrets_pipeline.reconcilers.event_queue.desired import Layout, Place

HOME = Place("111122223333", "us-east-1")
PLACES = (HOME, Place("444455556666", "us-east-1"), Place("444455556666", "eu-central-1"))
SQS_MOST = 80
"""botocore's model of SQS has no lengths:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"""


def most(service: str, operation: str, member: str) -> int:
    """How long botocore's model lets a name be."""
    model: Any = botocore.session.Session().get_service_model(service)
    return int(model.operation_model(operation).input_shape.members[member].metadata["max"])


def names(queue: str) -> Iterator[tuple[str, int]]:
    """Every name that has the queue's, and how long AWS lets it be."""
    for here in PLACES:
        layout = Layout(HOME, queue, here, ("444455556666",), None)
        for rule in (*layout.rules(here), layout.forwarded_rule):
            yield Arn.parse(rule).resource.rpartition("/")[2], most("events", "PutRule", "Name")
        yield Arn.parse(layout.bus).name, most("events", "CreateEventBus", "Name")
        yield layout.role_name, most("iam", "CreateRole", "RoleName")
        yield layout.dead_letters, SQS_MOST


def longest_allowed() -> int:
    """How long the settings let a queue's name be."""
    return max(length for length in range(1, SQS_MOST + 1) if is_taken("q" * length))


def is_taken(queue: str) -> bool:
    try:
        EventSettings(queue=queue, region="us-east-1")
    except ValidationError:
        return False
    return True


def test_every_name_fits_with_the_longest_name_of_a_queue() -> None:
    found = list(names("q" * longest_allowed()))
    assert [one for one in found if len(one[0]) > one[1]] == []
    # No name that would fit is refused.
    assert max(len(name) for name, _ in found if name.startswith("q")) == most("events", "PutRule", "Name")


@pytest.mark.parametrize("name", ["q" * 44, "q" * 45])
def test_a_name_by_which_a_rule_would_be_too_long_is_refused(name: str) -> None:
    assert not is_taken(name)
