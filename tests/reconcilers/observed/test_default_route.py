"""The default route of a subnet leads to whatever AWS can name as a route's target."""

import pytest

from secrets_pipeline.reconcilers.observed.networks import _default_route

TARGETS = {
    "NatGatewayId": "nat-1",
    "TransitGatewayId": "tgw-1",
    "NetworkInterfaceId": "eni-1",
    "VpcPeeringConnectionId": "pcx-1",
    "CoreNetworkArn": "arn:aws:networkmanager::111122223333:core-network/core-network-1",
    "GatewayId": "igw-1",
}


@pytest.mark.parametrize("name", TARGETS)
def test_each_kind_of_target_is_found(name: str) -> None:
    route = {"DestinationCidrBlock": "0.0.0.0/0", name: TARGETS[name]}
    table = {"VpcId": "vpc-1", "Associations": [{"Main": True}], "Routes": [route]}
    assert _default_route([table], "subnet-1", "vpc-1") == TARGETS[name]
