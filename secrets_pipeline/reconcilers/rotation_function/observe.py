"""Wait until a Lambda function is ready, and compare it with the one that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.function_state import FunctionState
from secrets_pipeline.reconcilers.rotation_function.desired import WantedFunction

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_SECONDS = 180.0
"""A function in a VPC gets its network interfaces meanwhile."""
_PAUSE = 1.0


def wait_until_ready(stack: Stack, name: str) -> FunctionState:
    """Call GetFunction until the function is neither made nor updated any more; see `refuse_problem`.

    Raises:
        AwsError: if that takes too long.
    """
    run = stack.run
    until = run.clock() + _SECONDS
    while True:
        state = stack.observed.functions.function_now(name)
        if state is None:
            raise AwsError(f"function {name} does not exist", remedy="Apply again: it was deleted meanwhile.")
        if not state.changing:
            break
        if run.clock() >= until:
            raise AwsError(
                f"function {name} is not ready after {_SECONDS:.0f} s", remedy="Apply again: it goes on by itself."
            )
        run.sleep(_PAUSE)
    return state


def refuse_problem(name: str, state: FunctionState) -> FunctionState:
    """Raise what is wrong with a function that is not changing any more.

    Raises:
        AwsError: if it could not be made, or not be updated.
    """
    if state.problem:
        correct = "Correct settings.secrets_pipeline.rotation_function (subnets, security groups), then apply again."
        remedy = "Apply again: IAM takes some minutes to show a new policy." if state.lacked_rights else correct
        raise AwsError(f"function {name} {state.problem}", remedy=remedy)
    return state


def configuration_differences(state: FunctionState, wanted: WantedFunction) -> list[str]:
    """Compare what UpdateFunctionConfiguration would change, for a human."""
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
