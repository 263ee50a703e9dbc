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
        endpoints: names of the services that its VPC has interface endpoints for, under the services' own host names.
    """

    vpc: str
    default_route: str | None
    endpoints: frozenset[str]


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
                frozenset(str(one["ServiceName"]) for one in endpoints if one["VpcId"] == vpc and _serves(one)),
            )
            for subnet, vpc in ((str(one["SubnetId"]), str(one["VpcId"])) for one in found)
        }


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
