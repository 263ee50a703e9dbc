"""Judge whether security groups let the managed rotation function reach its database and Secrets Manager. Pure.

A security group lets traffic out if one of its outbound rules allows it, and in if an inbound rule does. The rules of
several groups add up.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from secrets_pipeline.reconcilers.observed.networks import SecurityGroup, SecurityRule

HTTPS = 443


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a connection.

    Attributes:
        name: for a message.
        groups: ids of its security groups.
        cidrs: its IPv4 addresses; empty where they are not known.
    """

    name: str
    groups: Sequence[str]
    cidrs: Sequence[str] = ()


def refusals(function: Side, target: Side, port: int, known: Mapping[str, SecurityGroup]) -> Iterator[tuple[str, str]]:
    """Yield each security group problem that certainly blocks the connection.

    Args:
        function: the function.
        target: database or endpoint; without groups, something whose own groups are not known.
        port: of TCP.
        known: security groups by id; what is not among them is not judged.

    Yields:
        What is wrong, and what to do.
    """
    if not _may_pass(_rules(function, known, inbound=False), port, target):
        ours, theirs = " ".join(function.groups), " ".join(target.groups)
        text = f"security groups {ours} of {function.name} allow no outbound traffic to port {port} of {target.name}"
        yield text, f"Add an outbound rule for TCP {port}" + (f" to {theirs}." if theirs else ".")
    if target.groups and not _may_pass(_rules(target, known, inbound=True), port, function):
        ours, theirs = " ".join(function.groups), " ".join(target.groups)
        text = f"security groups {theirs} of {target.name} do not let {function.name} in on port {port}"
        yield text, f"Add an inbound rule for TCP {port} from {ours}."


def _rules(side: Side, known: Mapping[str, SecurityGroup], *, inbound: bool) -> list[SecurityRule] | None:
    """The rules of all groups of one side; None if one of them is not known."""
    groups = [known[one] for one in side.groups if one in known]
    if not groups or len(groups) < len(side.groups):
        return None
    return [rule for one in groups for rule in (one.inbound if inbound else one.outbound)]


def _may_pass(rules: Iterable[SecurityRule] | None, port: int, other: Side) -> bool:
    """Whether a rule is for the other side, or may be: its addresses or a prefix list are not known."""
    return rules is None or any(_is_for(one, port, other) for one in rules)


def _is_for(rule: SecurityRule, port: int, other: Side) -> bool:
    if rule.ports is not None and not rule.ports[0] <= port <= rule.ports[1]:
        return False
    if rule.prefix_lists or rule.groups & set(other.groups):
        return True
    if not other.cidrs:
        return bool(rule.cidrs)
    theirs = [ip_network(one) for one in other.cidrs]
    return any(ip_network(one).overlaps(each) for one in rule.cidrs for each in theirs)
