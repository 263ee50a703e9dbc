"""Change variables of a Lambda function by UpdateFunctionConfiguration, over what somebody else changes meanwhile.

Environment is replaced whole; RevisionId guards against a change in between, and changes once more when an update ends.
Source: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tenacity import Retrying, retry_if_exception, stop_after_attempt

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.function_state import unless_changed, variables

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_ATTEMPTS = 5


def set_variables(stack: Stack, function: str, wanted: Mapping[str, str]) -> Mapping[str, Any]:
    """Set some variables, the others kept.

    Args:
        stack: the stack.
        function: name or ARN.
        wanted: the variables.

    Returns:
        The function's configuration, which may still be on its way.

    Raises:
        SkippedError: if there is no such function.
        AwsError: if Lambda refuses.
    """
    changed = retry_if_exception(_changed_meanwhile)
    return Retrying(retry=changed, stop=stop_after_attempt(_ATTEMPTS), reraise=True)(_set, stack, function, wanted)


def _set(stack: Stack, function: str, wanted: Mapping[str, str]) -> Mapping[str, Any]:
    found = stack.observed.functions.configuration_now(function)
    if found is None:
        raise SkippedError(f"function {function} does not exist")
    with calling("UpdateFunctionConfiguration", function):
        answer = stack.account.client("lambda").update_function_configuration(
            FunctionName=function,
            Environment={"Variables": {**variables(function, found), **wanted}},
            **unless_changed(found),
        )
    stack.observed.functions.forget(function)
    return answer


def _changed_meanwhile(error: BaseException) -> bool:
    return isinstance(error, AwsError) and error.code == "PreconditionFailedException"
