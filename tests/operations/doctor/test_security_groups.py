"""Security groups between the managed rotation function, its database and Secrets Manager."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.operations.doctor.model import Answer, Verdict
from secrets_pipeline.operations.doctor.network import network

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec
    from tests.bench import Bench

SINGLE_USER = RotationSpec(managed=True, strategy=RotationStrategy.SINGLE_USER, automatically_after_days=30)
ANYWHERE = [{"CidrIp": "0.0.0.0/0"}]


@dataclass
class Net:
    """A VPC of a test's own: a subnet, an endpoint of Secrets Manager, a database, and a group of each."""

    bench: Bench
    ec2: Any
    spec: StackSpec
    function: str
    database: str
    endpoint: str

    def open(self, group: str, port: int, *, to: str = "", outbound: bool = False, cidr: str = "") -> None:
        """Let TCP in, or out, from or to another group or addresses."""
        peer: dict[str, Any] = {"UserIdGroupPairs": [{"GroupId": to}]} if to else {"IpRanges": [{"CidrIp": cidr}]}
        rule = [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peer}]
        if outbound:
            self.ec2.authorize_security_group_egress(GroupId=group, IpPermissions=rule)
        else:
            self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rule)

    def close(self, group: str) -> None:
        """Take away the rule by which a new group lets everything out."""
        everything: Any = [{"IpProtocol": "-1", "IpRanges": ANYWHERE}]
        self.ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything)

    def failing(self, verdict: Verdict = Verdict.WILL_FAIL) -> list[str]:
        """What the doctor says that fails."""
        found: list[Answer] = list(network(self.bench.context(self.spec, writing=False)))
        return [one.text for one in found if one.verdict is verdict]

    def add_database(self, **more: object) -> str:
        """Add another database, whose group lets nobody in."""
        name = f"{self.bench.stack}-other"
        vpc = self.ec2.describe_security_groups(GroupIds=[self.database])["SecurityGroups"][0]["VpcId"]
        made = self.ec2.create_security_group(GroupName=name, Description="other", VpcId=vpc)
        group = str(made["GroupId"])
        _make_database(self.bench, name, group)
        other = self.bench.database(engine="mysql", **more).model_copy(update={"identifier": name})
        self.spec = self.spec.model_copy(update={"databases": (*self.spec.databases, other)})
        function = f"function {self.bench.stack}-rotation"
        return f"security groups {group} of database {name} do not let {function} in on port 3306"


def _make_database(bench: Bench, name: str, group: str) -> None:
    session: Any = bench.session
    session.client("rds").create_db_instance(
        DBInstanceIdentifier=name,
        Engine="mysql",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="a-password",
        Port=3306,
        PubliclyAccessible=False,
        VpcSecurityGroupIds=[group],
    )


@pytest.fixture
def net(bench: Bench) -> Net:
    session: Any = bench.session
    ec2 = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]

    def group(name: str) -> str:
        made = ec2.create_security_group(GroupName=f"{bench.stack}-{name}", Description=name, VpcId=vpc)
        return str(made["GroupId"])

    function, database, endpoint = group("function"), group("database"), group("endpoint")
    ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{bench.aws.region}.secretsmanager",
        VpcEndpointType="Interface",
        PrivateDnsEnabled=True,
        SubnetIds=[subnet],
        SecurityGroupIds=[endpoint],
    )
    _make_database(bench, bench.stack, database)
    spec = bench.spec(
        bench.generated(rotation=SINGLE_USER),
        databases=(bench.database(engine="mysql"),),
        rotation_function=RotationFunctionSpec(
            name=f"{bench.stack}-rotation", subnet_ids=(subnet,), security_group_ids=(function,)
        ),
    )
    return Net(bench, ec2, spec, function, database, endpoint)


def test_what_lets_nobody_in_is_named_on_each_way(net: Net) -> None:
    name = f"function {net.bench.stack}-rotation"
    closed = [
        f"security groups {net.database} of database {net.bench.stack} do not let {name} in on port 3306",
        f"security groups {net.endpoint} of the VPC endpoint of Secrets Manager do not let {name} in on port 443",
    ]
    assert net.failing() == closed
    net.open(net.database, 3306, to=net.function)
    assert net.failing() == closed[1:]
    # By address, too: the function's subnet is among these.
    net.open(net.endpoint, 443, cidr="10.9.0.0/16")
    assert net.failing() == []


def test_what_lets_nothing_out_is_named_on_each_way(net: Net) -> None:
    net.open(net.database, 3306, cidr="10.9.1.0/24")
    net.open(net.endpoint, 443, to=net.function)
    assert net.failing() == []
    net.close(net.function)
    name = f"security groups {net.function} of function {net.bench.stack}-rotation allow no outbound traffic"
    assert net.failing() == [
        f"{name} to port 3306 of database {net.bench.stack}",
        f"{name} to port 443 of the VPC endpoint of Secrets Manager",
    ]
    net.open(net.function, 3306, to=net.database, outbound=True)
    # Whose addresses these are nobody says, so nothing is certain.
    net.open(net.function, 443, cidr="10.9.200.0/24", outbound=True)
    assert net.failing() == []


def test_a_group_of_the_function_that_does_not_exist_is_named(net: Net) -> None:
    function = net.spec.rotation_function
    assert function is not None
    gone = function.model_copy(update={"security_group_ids": ("sg-00000000000000000",)})
    net.spec = net.spec.model_copy(update={"rotation_function": gone})
    assert f"security group sg-00000000000000000 of function {function.name} does not exist" in net.failing()


def test_a_database_whose_password_rds_rotates_need_not_let_the_function_in(net: Net) -> None:
    net.open(net.database, 3306, to=net.function)
    net.open(net.endpoint, 443, to=net.function)
    net.add_database(password=None, manage_master_user_password=True)
    assert net.failing() == []
    assert net.failing(Verdict.ADVISED) == []


def test_of_several_databases_nobody_knows_which_one_the_function_logs_in_to(net: Net) -> None:
    net.open(net.database, 3306, to=net.function)
    net.open(net.endpoint, 443, to=net.function)
    closed = net.add_database()
    assert net.failing() == []
    assert net.failing(Verdict.ADVISED) == [f"{closed}: rotation fails if a secret rotates there"]


def test_of_several_private_databases_a_function_in_no_network_may_need_none(net: Net) -> None:
    function = net.spec.rotation_function
    assert function is not None
    outside = function.model_copy(update={"subnet_ids": (), "security_group_ids": ()})
    net.spec = net.spec.model_copy(update={"rotation_function": outside})
    private = "the managed function is in no network, and database {} is private"
    assert net.failing() == [private.format(net.bench.stack)]
    net.add_database()
    assert net.failing() == []
