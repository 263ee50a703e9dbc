"""What reading a function's log comes to where one look fails."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.reconcilers.rotation_function.log import FunctionLog
from tests.bench import Interruption

if TYPE_CHECKING:
    from tests.bench import Bench


@pytest.mark.parametrize(
    ("code", "heard"),
    [("ServiceUnavailableException", True), ("ThrottlingException", True), ("AccessDeniedException", False)],
)
def test_one_look_that_fails_ends_the_reading_only_where_it_is_not_allowed(
    bench: Bench, code: str, heard: bool
) -> None:
    interruption = Interruption()
    context = bench.context(bench.create(bench.generated()), interruption=interruption)
    state = context.observed.secrets.refresh(bench.name("password"))
    assert state is not None
    group = f"/aws/lambda/{bench.stack}"
    logs = bench.session.client("logs")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    log = FunctionLog(context, replace(state, rotation_lambda_arn=context.account.function_arn(bench.stack)))
    event: Any = {"timestamp": int(time.time() * 1000), "message": "[ERROR] ValueError: no such user"}
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=[event])
    asked: list[str] = []

    def fails_once(operation: str) -> None:
        asked.append(operation)
        if len(asked) == 1:
            raise ClientError({"Error": {"Code": code, "Message": "later"}}, operation)

    interruption.before = fails_once
    found = [bool(log.heard("v").failure) for _ in range(3)]
    assert found == [False, heard, heard]
    assert len(asked) == (3 if heard else 1)
