"""What a Lambda function's configuration says against it."""

from __future__ import annotations

import pytest

from secrets_pipeline.reconcilers.observed.function_state import FunctionState


@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        ({"State": "Active", "LastUpdateStatus": "Successful"}, ""),
        ({"State": "Inactive"}, ""),
        ({"State": "Failed", "StateReason": "no address is left"}, "is Failed: no address is left"),
        ({"State": "Pending"}, "is Pending: Lambda gives no reason"),
        (
            {"State": "Active", "LastUpdateStatus": "Failed", "LastUpdateStatusReason": "the image is gone"},
            "was not updated: the image is gone",
        ),
        ({"State": "Active", "LastUpdateStatus": "Failed"}, "was not updated: Lambda gives no reason"),
    ],
)
def test_a_function_that_cannot_be_invoked_says_why(configuration: dict[str, str], problem: str) -> None:
    assert FunctionState(configuration, {}).problem == problem
