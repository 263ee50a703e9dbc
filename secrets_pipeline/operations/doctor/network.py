"""Ask whether the managed rotation function will reach its database and Secrets Manager."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.desired.rotation.model import RotationStrategy
from secrets_pipeline.errors import AwsError
from secrets_pipeline.operations.doctor.model import Answer, Verdict, fine
from secrets_pipeline.operations.doctor.security_groups import HTTPS, Side, refusals
from secrets_pipeline.reconcilers.secret_rotation.network import reach_problem, way_problems

if TYPE_CHECKING:
    from secrets_pipeline.desired.rotation.model import RotationFunctionSpec
    from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
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
    found = [
        Answer(function.name, Verdict.WILL_FAIL if one.known else Verdict.UNKNOWN, one.text, one.remedy or _WAY)
        for one in way_problems(stack)
    ]
    databases, certain = _databases(stack)
    found += _private_databases(function, databases, certain=certain)
    found += _security_groups(stack, function, databases, certain=certain)
    yield from found
    if not found:
        where = ", ".join(function.subnet_ids) or "no network of yours"
        yield fine(function.name, f"in {where}: nothing is in its way to Secrets Manager")


def _private_databases(
    function: RotationFunctionSpec, databases: Iterable[DatabaseState], *, certain: bool
) -> Iterator[Answer]:
    for state in databases:
        if state.address and state.port and (problem := reach_problem(function, state.address, state.port, [state])):
            yield _in_the_way(function, problem.text, problem.remedy, certain=certain)


def _in_the_way(function: RotationFunctionSpec, text: str, remedy: str, *, certain: bool) -> Answer:
    if certain:
        return Answer(function.name, Verdict.WILL_FAIL, text, remedy)
    return Answer(function.name, Verdict.ADVISED, f"{text}: rotation fails if a secret rotates there", remedy)


def _security_groups(
    stack: Stack, function: RotationFunctionSpec, databases: Iterable[DatabaseState], *, certain: bool
) -> Iterator[Answer]:
    subnets = stack.observed.networks.subnets(function.subnet_ids) if function.subnet_ids else {}
    if isinstance(subnets, AwsError) or not subnets:
        # Said by the subnets themselves.
        return
    cidrs = [one.cidr for one in subnets.values() if one.cidr]
    ours = Side(f"function {function.name}", sorted(function.security_group_ids), cidrs)
    targets = [
        (Side(f"database {one.identifier}", one.security_groups), one.port, certain)
        for one in databases
        if one.port and one.security_groups
    ]
    targets += [(one, HTTPS, True) for one in _secrets_manager(subnets.values(), stack.account.region)]
    groups = {*ours.groups, *(group for target, _, _ in targets for group in target.groups)}
    known = stack.observed.networks.security_groups(groups)
    for gone in sorted(set(ours.groups) - known.keys()):
        text = f"security group {gone} of function {function.name} does not exist"
        remedy = "Correct settings.secrets_pipeline.rotation_function.security_group_ids."
        yield Answer(function.name, Verdict.WILL_FAIL, text, remedy)
    for target, port, sure in targets:
        for text, remedy in refusals(ours, target, port, known):
            yield _in_the_way(function, text, remedy, certain=sure)


def _databases(stack: Stack) -> tuple[Sequence[DatabaseState], bool]:
    """Databases that the function may log in to, and whether it is certain: the stack has no second one."""
    rotations = [one.rotation for one in stack.spec.secrets if one.rotation is not None and one.rotation.managed]
    if all(one.strategy is RotationStrategy.RANDOM for one in rotations):
        return (), False
    # Of a database whose master password RDS rotates, the function can rotate a further user's.
    databases = stack.spec.databases
    declared = [one for one in databases if not one.manage_master_user_password] or databases
    found = map(stack.observed.databases.find, declared)
    return [one for one in found if one is not None], len(declared) == 1


def _secrets_manager(subnets: Iterable[SubnetState], region: str) -> Iterator[Side]:
    """The interface endpoint of Secrets Manager, or Secrets Manager itself behind a NAT gateway."""
    found = {
        groups
        for one in subnets
        for name, groups in one.endpoints.items()
        if name.endswith(f".{region}.secretsmanager")
    }
    for groups in sorted(found):
        yield Side("the VPC endpoint of Secrets Manager", groups)
    if not found:
        yield Side("Secrets Manager", ())
