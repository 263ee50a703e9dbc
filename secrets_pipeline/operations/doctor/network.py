"""Ask whether the managed rotation function will reach its database and Secrets Manager."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secrets_pipeline.operations.doctor.model import Answer, Verdict, fine
from secrets_pipeline.reconcilers.secret_rotation.network import reach_problem, way_problems

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_WAY = "Give the subnet a route to a NAT gateway, or its VPC an interface endpoint of Secrets Manager with private DNS."


def network(stack: Stack) -> Iterator[Answer]:
    """Judge the subnets of one stack's function (DescribeSubnets, DescribeRouteTables, DescribeVpcEndpoints)."""
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
    if not found:
        where = ", ".join(function.subnet_ids) or "no network of yours"
        yield fine(function.name, f"in {where}: nothing is in its way to Secrets Manager")
