"""Subnets that a repository names by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.emulator import LocalAws, StandInNetwork, stand_in

if TYPE_CHECKING:
    from tests.emulator.conftest import Clients

SUBNETS = ("subnet-0a1b2c3d4e5f60718", "subnet-1b2c3d4e5f60718a2")


def test_subnets_stand_in_under_their_ids_once_and_lead_to_a_nat_gateway(aws: LocalAws, clients: Clients) -> None:
    for _ in range(2):
        stand_in(aws, [StandInNetwork(SUBNETS)])
    found = clients.ec2.describe_subnets(SubnetIds=list(SUBNETS))["Subnets"]
    (vpc,) = {one["VpcId"] for one in found}
    assert {one["SubnetId"] for one in found} == set(SUBNETS)
    (table,) = clients.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    assert [one["NatGatewayId"] for one in table["Routes"] if one["DestinationCidrBlock"] == "0.0.0.0/0"]


def test_security_groups_stand_in_in_the_vpc_of_subnets_that_are_there_already(aws: LocalAws, clients: Clients) -> None:
    """As for a second stack in the same subnets, or when the YAML names another group later."""
    for groups in (("sg-0000000000000000a",), ("sg-0000000000000000a", "sg-0000000000000000b")):
        stand_in(aws, [StandInNetwork(SUBNETS, groups)])
        answer = clients.ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": list(groups)}])
        found = answer["SecurityGroups"]
        assert sorted(one["GroupId"] for one in found) == list(groups)
        (vpc,) = {one["VpcId"] for one in clients.ec2.describe_subnets(SubnetIds=list(SUBNETS))["Subnets"]}
        assert {one["VpcId"] for one in found} == {vpc}


def test_any_other_subnet_has_an_id_of_aws_s_choice(clients: Clients) -> None:
    vpc = clients.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    made = clients.ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    assert made.startswith("subnet-")
    assert made not in SUBNETS
