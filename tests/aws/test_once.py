"""What takes no token is not tried again while nobody knows whether it was performed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

from secrets_pipeline.aws import once
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.emulator import FaultAction, InjectedFault, LocalAws, arm, disarm, reset_conditions
from secrets_pipeline.errors import AwsError


@pytest.fixture(autouse=True)
def _behaving_again(aws: LocalAws) -> Iterator[None]:
    yield
    reset_conditions(aws)


@pytest.mark.parametrize(
    ("action", "tries"), [(FaultAction.LOST, 1), (FaultAction.ERROR, 1), (FaultAction.THROTTLE, 2)]
)
def test_a_key_is_made_at_most_once_and_again_only_where_it_was_surely_not_made(
    aws: LocalAws, account: AwsAccount, action: FaultAction, tries: int
) -> None:
    kms = account.client("kms")
    before = len(kms.list_keys()["Keys"])
    arm(aws, InjectedFault(action, operation="CreateKey"))
    try:
        with calling("CreateKey"):
            kms.create_key()
    except AwsError:
        assert tries == 1
    (report,) = disarm(aws)
    assert report.seen == tries
    made = {FaultAction.LOST: 1, FaultAction.ERROR: 0, FaultAction.THROTTLE: 1}[action]
    assert len(kms.list_keys()["Keys"]) - before == made


@pytest.mark.parametrize("action", [FaultAction.LOST, FaultAction.ERROR])
def test_other_calls_are_tried_again(aws: LocalAws, account: AwsAccount, action: FaultAction) -> None:
    kms = account.client("kms")
    arm(aws, InjectedFault(action, operation="ListKeys"))
    kms.list_keys()
    assert disarm(aws)[0].seen == 2


def test_what_never_reached_aws_is_tried_again() -> None:
    for never_sent in (EndpointConnectionError(endpoint_url="x"), ConnectTimeoutError(endpoint_url="x")):
        assert once.give_up_if_unknown(None, never_sent) is None
    assert once.give_up_if_unknown(None, OSError()) is False
