"""Say why the managed rotation function would not reach its database, or Secrets Manager.

Outside of a VPC it reaches no private database; inside, it reaches Secrets Manager by a NAT or an interface endpoint.
Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from secrets_pipeline.desired.rotation.model import RotationFunctionSpec
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
from secrets_pipeline.reconcilers.observed.networks import SubnetState
from secrets_pipeline.reconcilers.secret_rotation.problem import Problem, Requirement
from secrets_pipeline.reconcilers.secret_rotation.value_shape import at

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_SUBNETS = (
    "Write subnet_ids and security_group_ids under settings.secrets_pipeline.rotation_function: subnets that reach the "
    "database, and Secrets Manager by a NAT gateway or an interface endpoint."
)
_INTERNET_GATEWAY = "igw-"


def reach_problem(
    function: RotationFunctionSpec | None, host: str, port: int, databases: Iterable[DatabaseState]
) -> Problem | None:
    """Say why the managed function cannot reach the database at an address; None where it can, or nobody knows.

    Args:
        function: of the stack.
        host: as the secret names it.
        port: the same.
        databases: instances and clusters of the account and region.
    """
    here = at(host, port)
    for one in databases if function is not None and not function.subnet_ids else ():
        if here in (at(one.address, one.port), at(one.reader_address, one.port)) and not one.public:
            text = f"the managed function is in no network, and database {one.identifier} is private"
            return Problem(Requirement.NETWORK, text, _SUBNETS)
    return None


def way_problems(stack: Stack) -> Iterator[Problem]:
    """Say which subnets of the managed function do not exist, or show no way to Secrets Manager."""
    function, region = stack.spec.rotation_function, stack.account.region
    if function is None or not function.subnet_ids:
        return
    found = stack.observed.networks.subnets(function.subnet_ids)
    if isinstance(found, AwsError):
        yield Problem(Requirement.NETWORK, f"network of function {function.name}: {found.message}", known=False)
        return
    for subnet in function.subnet_ids:
        state = found.get(subnet)
        if state is None:
            yield Problem(Requirement.NETWORK, f"subnet {subnet} of function {function.name} does not exist", _SUBNETS)
        elif not _leads_out(state, region):
            # A way that is none of these, a proxy or a peered VPC's endpoint, cannot be seen from here.
            text = (
                f"how {subnet} leads to Secrets Manager: it has no route to a NAT gateway, and {state.vpc} "
                f"no interface endpoint com.amazonaws.{region}.secretsmanager with private DNS"
            )
            yield Problem(Requirement.NETWORK, text, known=False)


def _leads_out(state: SubnetState, region: str) -> bool:
    """Whether a function there reaches Secrets Manager; it has no public address for an internet gateway."""
    routed = state.default_route is not None and not state.default_route.startswith(_INTERNET_GATEWAY)
    return routed or any(name.endswith(f".{region}.secretsmanager") for name in state.endpoints)
