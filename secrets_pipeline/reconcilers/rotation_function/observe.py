"""A Lambda function as GetFunction shows it, and how it differs from the one that is asked for.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.rotation_function.desired import Wanted

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_MEMORY = "rotation function"
_ACTIVE, _INACTIVE, _FAILED, _RUNNING = "Active", "Inactive", "Failed", "InProgress"
_SECONDS = 180.0
"""A function in a VPC gets its network interfaces meanwhile."""
_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class FunctionState:
    """A function.

    Attributes:
        configuration: FunctionConfiguration.
        tags: empty where they may not be read.
    """

    configuration: Mapping[str, Any]
    tags: Mapping[str, str]

    @property
    def code_sha256(self) -> str:
        """CodeSha256, base64."""
        return str(self.configuration.get("CodeSha256", ""))

    @property
    def changing(self) -> bool:
        """Whether it is still being made, or updated."""
        return self._state == "Pending" or self._update == _RUNNING

    @property
    def problem(self) -> str:
        """Why it cannot be invoked, or was not updated; empty where nothing is known against it."""
        if self._state not in (_ACTIVE, _INACTIVE):
            return f"is {self._state}: {self.configuration.get('StateReason') or 'Lambda gives no reason'}"
        if self._update == _FAILED:
            reason = self.configuration.get("LastUpdateStatusReason") or "Lambda gives no reason"
            return f"was not updated: {reason}"
        return ""

    @property
    def _state(self) -> str:
        return str(self.configuration.get("State") or _ACTIVE)

    @property
    def _update(self) -> str:
        return str(self.configuration.get("LastUpdateStatus"))


def function_state(stack: Stack, name: str) -> FunctionState | None:
    """A function by name or ARN; None where there is none. Read once a run.

    Raises:
        AwsError: if Lambda refuses.
    """
    client = stack.account.client("lambda")

    def read() -> FunctionState | None:
        with calling("GetFunction", name):
            try:
                answer = client.get_function(FunctionName=name)
            except client.exceptions.ResourceNotFoundException:
                return None
        return FunctionState(answer["Configuration"], answer.get("Tags") or {})

    state: FunctionState | None = stack.observed.remember(_MEMORY, name, read=read)
    return state


def forget_function(stack: Stack, name: str) -> None:
    """Look again next time."""
    stack.observed.forget(_MEMORY, name)
    # It is also known by its ARN, to whoever looks at it as at any rotation function.
    stack.observed.forget(_MEMORY, stack.account.function_arn(name))


def settled(stack: Stack, name: str) -> FunctionState:
    """The function once it is neither made nor updated any more.

    Raises:
        AwsError: if that takes too long, or ends badly.
    """
    run = stack.run
    until = run.clock() + _SECONDS
    while True:
        forget_function(stack, name)
        state = function_state(stack, name)
        if state is None:
            raise AwsError(f"function {name} does not exist", remedy="Apply again: it was deleted meanwhile.")
        if not state.changing:
            break
        if run.clock() >= until:
            raise AwsError(
                f"function {name} is not ready after {_SECONDS:.0f} s", remedy="Apply again: it goes on by itself."
            )
        run.sleep(_PAUSE)
    if state.problem:
        raise AwsError(
            f"function {name} {state.problem}",
            remedy="Correct settings.secrets_pipeline.rotation_function (subnets, security groups), then apply again.",
        )
    return state


def configuration_differences(state: FunctionState, wanted: Wanted) -> list[str]:
    """What UpdateFunctionConfiguration would change, for a human."""
    observed = _comparable(state.configuration)
    found = []
    for key, value in wanted.configuration.items():
        if observed[key] != value:
            shown = "" if key in ("Environment", "Description") else f": {_shown(observed[key])} → {_shown(value)}"
            found.append(f"{key} differs{shown}")
    return found


def _comparable(configuration: Mapping[str, Any]) -> dict[str, Any]:
    vpc, environment = configuration.get("VpcConfig") or {}, configuration.get("Environment") or {}
    return {
        **{key: configuration.get(key) for key in ("Role", "Runtime", "Handler", "Timeout", "MemorySize")},
        "Description": configuration.get("Description") or "",
        "VpcConfig": {
            "SubnetIds": sorted(vpc.get("SubnetIds") or ()),
            "SecurityGroupIds": sorted(vpc.get("SecurityGroupIds") or ()),
        },
        "Environment": {"Variables": environment.get("Variables") or {}},
    }


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(one for ids in value.values() for one in ids) or "none"
    return str(value)
