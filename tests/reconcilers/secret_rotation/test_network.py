"""Whether the managed function reaches its database, and Secrets Manager, before rotation is switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Failed, Outcome

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

from tests.bench import Bench, Interruption, Running
from tests.ports import free_port

STAGE = "secret_rotation"
FIELDS = {
    "engine": "postgres",
    "host": "${output.rds.address}",
    "port": "${output.rds.port}",
    "username": "owner",
    "dbname": "orders",
}


def rotated(strategy: RotationStrategy) -> RotationSpec:
    return RotationSpec(managed=True, strategy=strategy, automatically_after_days=30)


def rotating_database(bench: Bench, *, public: bool, **function: tuple[str, ...]) -> StackSpec:
    secret = bench.generated(fields=FIELDS, rotation=rotated(RotationStrategy.SINGLE_USER))
    database = bench.database(parameters={"PubliclyAccessible": public})
    made = RotationFunctionSpec(name=f"{bench.stack}-f").model_copy(update=function)
    return bench.spec(secret, databases=(database,), rotation_function=made)


def outcome(bench: Bench, spec: StackSpec, key: str, **how: Unpack[Running]) -> Outcome:
    return bench.provision(spec, **how)[f"{STAGE} {bench.name(key)}"]


@pytest.fixture
def ec2(bench: Bench) -> EC2Client:
    client: EC2Client = bench.session.client("ec2")
    return client


class Network:
    """A VPC of a test's own with one subnet, from which nothing leads anywhere."""

    def __init__(self, ec2: EC2Client) -> None:
        self.ec2 = ec2
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        self.group = ec2.create_security_group(VpcId=self.vpc, GroupName="f", Description="-")["GroupId"]

    def route(self, *, associated: bool, **target: str) -> None:
        """A default route, in a table of the subnet's own or in the main one."""
        if associated:
            table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
            self.ec2.associate_route_table(RouteTableId=table, SubnetId=self.subnet)
        else:
            ours: Any = [{"Name": "vpc-id", "Values": [self.vpc]}]
            table = self.ec2.describe_route_tables(Filters=ours)["RouteTables"][0]["RouteTableId"]
        to: Any = target
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **to)

    def nat(self) -> str:
        address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        made = self.ec2.create_nat_gateway(SubnetId=self.subnet, AllocationId=address)
        return str(made["NatGateway"]["NatGatewayId"])

    def internet(self) -> str:
        made = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=self.vpc)
        return made

    def endpoint(self, service: str, *, private_dns: bool = True) -> None:
        self.ec2.create_vpc_endpoint(
            VpcId=self.vpc,
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.eu-west-2.{service}",
            SubnetIds=[self.subnet],
            PrivateDnsEnabled=private_dns,
        )


@pytest.fixture
def network(ec2: EC2Client) -> Network:
    return Network(ec2)


def token(bench: Bench, *subnets: str, group: str = "sg-0a1b2c3d") -> StackSpec:
    """A random value, which no database knows."""
    secret = bench.generated("token", rotation=rotated(RotationStrategy.RANDOM))
    made = RotationFunctionSpec(name=f"{bench.stack}-f", subnet_ids=subnets, security_group_ids=(group,))
    return bench.spec(secret, rotation_function=made)


def test_a_function_in_no_network_does_not_reach_a_private_database(bench: Bench) -> None:
    failed = outcome(bench, rotating_database(bench, public=False), "password")
    assert isinstance(failed, Failed)
    assert f"the managed function is in no network, and database {bench.stack} is private" in failed.error.message
    assert "Write subnet_ids and security_group_ids" in failed.error.remedy
    assert not bench.describe("password").get("RotationEnabled")


def test_it_reaches_a_public_one(bench: Bench) -> None:
    assert isinstance(outcome(bench, rotating_database(bench, public=True), "password"), Applied)


def test_a_function_in_subnets_is_taken_to_reach_a_private_database(bench: Bench, network: Network) -> None:
    network.route(associated=True, NatGatewayId=network.nat())
    inside = {"subnet_ids": (network.subnet,), "security_group_ids": (network.group,)}
    done = outcome(bench, rotating_database(bench, public=False, **inside), "password")
    assert isinstance(done, Applied)
    assert "not checked" not in done.detail


@pytest.mark.parametrize("way", ["nat", "nat of the main table", "endpoint"])
def test_a_way_to_secrets_manager_is_seen(bench: Bench, network: Network, way: str) -> None:
    if way == "endpoint":
        network.endpoint("secretsmanager")
    else:
        network.route(associated=way == "nat", NatGatewayId=network.nat())
    done = outcome(bench, token(bench, network.subnet, group=network.group), "token")
    assert isinstance(done, Applied)
    assert "not checked" not in done.detail


@pytest.mark.parametrize("way", ["none", "internet gateway", "another endpoint", "endpoint without private DNS"])
def test_where_none_is_seen_that_is_said_and_stops_nothing(bench: Bench, network: Network, way: str) -> None:
    if way == "internet gateway":
        network.route(associated=True, GatewayId=network.internet())
    elif way == "another endpoint":
        network.endpoint("kms")
    elif way == "endpoint without private DNS":
        network.endpoint("secretsmanager", private_dns=False)
    done = outcome(bench, token(bench, network.subnet, group=network.group), "token")
    assert isinstance(done, Applied)
    assert f"not checked: how {network.subnet} leads to Secrets Manager" in done.detail
    assert f"{network.vpc} no interface endpoint com.amazonaws.eu-west-2.secretsmanager" in done.detail


def test_a_subnet_that_does_not_exist_is_an_error(bench: Bench) -> None:
    failed = outcome(bench, token(bench, "subnet-0a1b2c3d"), "token")
    assert isinstance(failed, Failed)
    assert "subnet subnet-0a1b2c3d of function" in failed.error.message
    assert "does not exist" in failed.error.message


def test_a_network_that_may_not_be_looked_at_is_said_and_stops_nothing(
    bench: Bench, network: Network, interruption: Interruption
) -> None:
    def refuse(operation: str) -> None:
        if operation == "DescribeSubnets":
            raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "not yours"}}, operation)

    interruption.before = refuse
    spec = token(bench, network.subnet, group=network.group)
    done = outcome(bench, spec, "token", interruption=interruption)
    assert isinstance(done, Applied)
    assert "not checked: network of function" in done.detail
    assert "UnauthorizedOperation" in done.detail


def test_an_ec2_that_is_out_of_reach_is_tried_twice_in_a_run_and_stops_nothing(
    bench: Bench, network: Network, interruption: Interruption, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []
    interruption.attempt = lambda operation: tries.append(operation) if operation == "DescribeSubnets" else None
    spec = token(bench, network.subnet, group=network.group)
    another = bench.generated("another", rotation=rotated(RotationStrategy.RANDOM))
    both = bench.spec(*spec.secrets, another, rotation_function=spec.rotation_function)
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", f"http://127.0.0.1:{free_port()}")
    done = bench.provision(both, interruption=interruption)
    for key in ("token", "another"):
        outcome = done[f"{STAGE} {bench.name(key)}"]
        assert isinstance(outcome, Applied)
        assert "not checked: network of function" in outcome.detail
        assert "EndpointConnectionError" in outcome.detail
    assert len(tries) == 2
