"""Read subnets, where their route tables lead, and the interface endpoints of their VPCs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.cached import Cached

_EVERYWHERE = "0.0.0.0/0"
_ALL_PROTOCOLS = "-1"
_TARGETS = (
    "NatGatewayId",
    "TransitGatewayId",
    "NetworkInterfaceId",
    "VpcPeeringConnectionId",
    "CoreNetworkArn",
    "GatewayId",
)
"""What a route leads to, by the names of DescribeRouteTables."""


@dataclass(frozen=True, slots=True)
class SubnetState:
    """A subnet as DescribeSubnets shows it, with what is around it.

    Attributes:
        vpc: id of its VPC.
        default_route: what its route table sends everything else to, for example a NAT gateway's id; None for nothing.
        endpoints: services that its VPC has interface endpoints for, under the services' own host names; name → ids of
            the endpoints' security groups.
        cidr: its IPv4 addresses.
    """

    vpc: str
    default_route: str | None
    endpoints: Mapping[str, tuple[str, ...]]
    cidr: str


@dataclass(frozen=True, slots=True)
class SecurityRule:
    """An entry of a security group as DescribeSecurityGroups shows it.

    Attributes:
        ports: first and last port of TCP; None for all.
        groups: ids of the security groups that it is for.
        cidrs: IPv4 addresses that it is for.
        prefix_lists: whether it is for addresses that prefix lists name, which are not read.
    """

    ports: tuple[int, int] | None
    groups: frozenset[str]
    cidrs: tuple[str, ...]
    prefix_lists: bool


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """The TCP rules of a security group."""

    inbound: tuple[SecurityRule, ...]
    outbound: tuple[SecurityRule, ...]


class Networks:
    """Reads subnets of one account and region.

    Args:
        account: whose AWS.
    """

    def __init__(self, account: AwsAccount) -> None:
        self._account = account
        self._subnets: Cached[tuple[str, ...], Mapping[str, SubnetState] | AwsError] = Cached()

    def subnets(self, ids: Iterable[str]) -> Mapping[str, SubnetState] | AwsError:
        """Read subnets by DescribeSubnets, DescribeRouteTables and DescribeVpcEndpoints, by id; once a run.

        Args:
            ids: of subnets; one that does not exist is left out.

        Returns:
            Those that exist, or why EC2 does not say; it is not asked again.
        """
        wanted = tuple(sorted(set(ids)))
        return self._subnets.get(wanted, partial(self._read, wanted))

    def security_groups(self, ids: Iterable[str]) -> Mapping[str, SecurityGroup]:
        """Read security groups by DescribeSecurityGroups, by id; one that does not exist is left out.

        Raises:
            AwsError: if EC2 refuses.
        """
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        with calling("DescribeSecurityGroups", ", ".join(wanted)):
            client = self._account.client("ec2")
            found: list[Any] = list(pages(client, "describe_security_groups", Filters=_only("group-id", wanted)))
        return {
            str(one["GroupId"]): SecurityGroup(_rules(one["IpPermissions"]), _rules(one["IpPermissionsEgress"]))
            for one in found
        }

    def has_default(self) -> bool:
        """Say whether the region has a default VPC (DescribeVpcs), where what names no network is put.

        Raises:
            AwsError: if EC2 refuses.
        """
        with calling("DescribeVpcs", f"of {self._account.region}"):
            found = pages(self._account.client("ec2"), "describe_vpcs", Filters=_only("is-default", ["true"]))
            return any(True for _ in found)

    def _read(self, ids: tuple[str, ...]) -> Mapping[str, SubnetState] | AwsError:
        try:
            return self._described(ids)
        except AwsError as error:
            return error

    def _described(self, ids: tuple[str, ...]) -> Mapping[str, SubnetState]:
        ec2 = self._account.client("ec2")
        with calling("DescribeSubnets", ", ".join(ids)):
            found: list[Any] = list(pages(ec2, "describe_subnets", Filters=_only("subnet-id", ids)))
        vpcs = sorted({str(one["VpcId"]) for one in found})
        if not vpcs:
            return {}
        with calling("DescribeRouteTables", f"of {', '.join(vpcs)}"):
            tables: list[Any] = list(pages(ec2, "describe_route_tables", Filters=_only("vpc-id", vpcs)))
        with calling("DescribeVpcEndpoints", f"of {', '.join(vpcs)}"):
            endpoints: list[Any] = list(pages(ec2, "describe_vpc_endpoints", Filters=_only("vpc-id", vpcs)))
        return {
            subnet: SubnetState(
                vpc,
                _default_route(tables, subnet, vpc),
                {
                    str(one["ServiceName"]): tuple(group["GroupId"] for group in one.get("Groups") or ())
                    for one in endpoints
                    if one["VpcId"] == vpc and _serves(one)
                },
                cidr,
            )
            for subnet, vpc, cidr in (
                (str(one["SubnetId"]), str(one["VpcId"]), str(one.get("CidrBlock", ""))) for one in found
            )
        }


def _rules(permissions: Iterable[Mapping[str, Any]]) -> tuple[SecurityRule, ...]:
    """Read IpPermissions, those of TCP: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html."""
    return tuple(
        SecurityRule(
            None if one["IpProtocol"] == _ALL_PROTOCOLS else (int(one["FromPort"]), int(one["ToPort"])),
            frozenset(str(pair["GroupId"]) for pair in one.get("UserIdGroupPairs") or ()),
            tuple(str(each["CidrIp"]) for each in one.get("IpRanges") or ()),
            bool(one.get("PrefixListIds")),
        )
        for one in permissions
        if one["IpProtocol"] in {_ALL_PROTOCOLS, "tcp"}
    )


def _only(name: str, values: Iterable[str]) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": list(values)}]


def _default_route(tables: Iterable[Mapping[str, Any]], subnet: str, vpc: str) -> str | None:
    """By the table that the subnet names, else by the main one of its VPC.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html
    """
    of_vpc = [one for one in tables if one["VpcId"] == vpc]
    named = (one for one in of_vpc if any(link.get("SubnetId") == subnet for link in one.get("Associations", ())))
    main = (one for one in of_vpc if any(link.get("Main") for link in one.get("Associations", ())))
    table = next(named, None) or next(main, {})
    for route in table.get("Routes", ()):
        if route.get("DestinationCidrBlock") == _EVERYWHERE and route.get("State", "active") == "active":
            return next((str(route[target]) for target in _TARGETS if route.get(target)), None)
    return None


def _serves(endpoint: Mapping[str, Any]) -> bool:
    """Whether the service's own host name leads to an endpoint.

    Source: https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
    """
    private = endpoint.get("PrivateDnsEnabled") and str(endpoint.get("State", "")).lower() == "available"
    return endpoint.get("VpcEndpointType") == "Interface" and bool(private)
