"""Write what a function said into CloudWatch Logs, as far as its execution role lets Lambda.

A group that was deleted comes back only where the role may make it; of a role that is gone, nothing is written.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html#monitoring-cloudwatchlogs-prereqs
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from moto.logs.exceptions import ResourceNotFoundException

from secrets_pipeline.access.evaluator import Context
from secrets_pipeline.emulator.enforcement.callers import in_role
from secrets_pipeline.emulator.enforcement.contexts import about_request
from secrets_pipeline.emulator.enforcement.services import refused_arn

if TYPE_CHECKING:
    from moto.awslambda.models import LambdaFunction


def write_log(function: LambdaFunction, output: str) -> None:
    """Make the function's log group if there is none, and a stream with the lines in it; or nothing.

    Args:
        function: whose execution role acts.
        output: what one invocation wrote.
    """
    region, name = function.region, function.logs_group_name
    client = in_role(function.role, function.function_name, region)
    context = Context(about_request(region))
    group = f"arn:{function.partition}:logs:{region}:{function.account_id}:log-group:{name}"

    def may(action: str) -> bool:
        return refused_arn(client, f"logs:{action}", f"{group}:*", context) is None

    logs = function.logs_backend
    if name not in logs.groups and may("CreateLogGroup"):
        logs.ensure_log_group(name)
    if may("CreateLogStream") and may("PutLogEvents"):
        # Without a group, or where it is deleted meanwhile, the lines are lost.
        with suppress(ResourceNotFoundException):
            function.save_logs(output)
