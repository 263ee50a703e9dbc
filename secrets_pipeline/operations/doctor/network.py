"""Ask whether the managed rotation function will reach its database and Secrets Manager."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from secrets_pipeline.desired.rotation.model import RotationStrategy
from secrets_pipeline.errors import AwsError
from secrets_pipeline.operations.doctor.model import Answer, Verdict, fine
from secrets_pipeline.operations.doctor.security_groups import HTTPS, Side, refusals
from secrets_pipeline.reconcilers.secret_rotation.network import reach_problem, way_problems

if TYPE_CHECKING:
    from secrets_pipeline.desired.rotation.model import RotationFunctionSpec
    from secrets_pipeline.reconcilers.observed.networks import SubnetState
    from secrets_pipeline.reconcilers.stack import Stack

_WAY = "Give the subnet a route to a NAT gateway, or its VPC an interface endpoint of Secrets Manager with private DNS."


def network(stack: Stack) -> Iterator[Answer]:
    """Judge the network of one stack's function.

    Reads DescribeSubnets, DescribeRouteTables, DescribeVpcEndpoints and DescribeSecurityGroups.
    """
    function = stack.spec.rotation_function
    if function is None:
        return
    found = list(way_problems(stack))
    for database in stack.spec.databases:
        state = stack.observed.databases.find(database)
        if state is not None and state.address and state.port:
            problem = reach_problem(function, state.address, state.port, [state])
            found += [problem] if problem else []
    for one in found:
        verdict = Verdict.WILL_FAIL if one.known else Verdict.UNKNOWN
        yield Answer(function.name, verdict, one.text, one.remedy or _WAY)
    refused = list(_security_groups(stack, function))
    yield from refused
    if not found and not refused:
        where = ", ".join(function.subnet_ids) or "no network of yours"
        yield fine(function.name, f"in {where}: nothing is in its way to Secrets Manager")


def _security_groups(stack: Stack, function: RotationFunctionSpec) -> Iterator[Answer]:
    subnets = stack.observed.networks.subnets(function.subnet_ids) if function.subnet_ids else {}
    if isinstance(subnets, AwsError) or not subnets:
        # Said by the subnets themselves.
        return
    cidrs = [one.cidr for one in subnets.values() if one.cidr]
    ours = Side(f"function {function.name}", sorted(function.security_group_ids), cidrs)
    targets = [*_databases(stack), *_secrets_manager(subnets.values(), stack.account.region)]
    groups = {*ours.groups, *(group for target, _ in targets for group in target.groups)}
    known = stack.observed.networks.security_groups(groups)
    for gone in sorted(set(ours.groups) - known.keys()):
        text = f"security group {gone} of function {function.name} does not exist"
        remedy = "Correct settings.secrets_pipeline.rotation_function.security_group_ids."
        yield Answer(function.name, Verdict.WILL_FAIL, text, remedy)
    for target, port in targets:
        for text, remedy in refusals(ours, target, port, known):
            yield Answer(function.name, Verdict.WILL_FAIL, text, remedy)


def _databases(stack: Stack) -> Iterator[tuple[Side, int]]:
    """Databases that the function may log in to: none if it only makes random values."""
    rotations = [one.rotation for one in stack.spec.secrets if one.rotation is not None and one.rotation.managed]
    if all(one.strategy is RotationStrategy.RANDOM for one in rotations):
        return
    for database in stack.spec.databases:
        state = stack.observed.databases.find(database)
        if state is not None and state.port and state.security_groups:
            yield Side(f"database {state.identifier}", state.security_groups), state.port


def _secrets_manager(subnets: Iterable[SubnetState], region: str) -> Iterator[tuple[Side, int]]:
    """The interface endpoint of Secrets Manager, or Secrets Manager itself behind a NAT gateway."""
    found = {
        groups
        for one in subnets
        for name, groups in one.endpoints.items()
        if name.endswith(f".{region}.secretsmanager")
    }
    for groups in sorted(found):
        yield Side("the VPC endpoint of Secrets Manager", groups), HTTPS
    if not found:
        yield Side("Secrets Manager", ()), HTTPS
