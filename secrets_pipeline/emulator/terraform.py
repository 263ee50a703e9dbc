"""Make what stacks deliver to, but do not create: the part that Terraform plays in a real account.

Works on the embedded AWS only: it is given a `LocalAws`, whose operator may assume an administrator role
in any account.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.loaders import Loader, create_loader

from secrets_pipeline.arn import account_of, iam_arn
from secrets_pipeline.emulator.handle.lifecycle import ADMINISTRATOR_ROLE, LocalAws
from secrets_pipeline.emulator.handle.stand_ins import (
    ID_TAG,
    PolicyDocument,
    StandIn,
    StandInFunction,
    StandInNetwork,
    StandInRole,
    StandInSecret,
    StandInService,
    StandInStage,
)

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient

_INSTANCES = "ec2.amazonaws.com"
"""Instances take their role from an instance profile, which the console gives the role's name."""
_PODS = "pods.eks.amazonaws.com"
"""EKS Pod Identity tags the sessions of its pods."""
_HANDLER = '''"""Answers with the names of its environment variables."""

import os


def handler(event, context):
    return {"variables": sorted(os.environ)}
'''


def stand_in(aws: LocalAws, resources: Sequence[StandIn]) -> None:
    """Create what is missing; what is there stays as it is.

    Roles come first, whatever the order given, since functions need theirs.
    """
    session_of = cache(partial(_session, aws))
    for one in resources:
        if isinstance(one, StandInRole):
            _role(session_of(account_of(one.arn), None), one)
    for one in resources:
        if isinstance(one, StandInRole):
            continue
        session = session_of(one.account_id, one.region)
        if isinstance(one, StandInFunction):
            _function(session, one)
        elif isinstance(one, StandInService):
            _service(session, one)
        elif isinstance(one, StandInSecret):
            _secret(session, one)
        elif isinstance(one, StandInNetwork):
            _network(session, one)
        else:
            _stage(session, one)


class _Session:
    """One account and region of the embedded AWS; each client is made once, as making one takes a tenth of a second."""

    def __init__(self, session: boto3.Session, endpoint_url: str) -> None:
        self._session = session
        self._endpoint_url = endpoint_url
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 has a type for each service
        """The client of a service."""
        if service not in self._clients:
            make: Callable[..., Any] = self._session.client
            self._clients[service] = make(service, endpoint_url=self._endpoint_url)
        return self._clients[service]


def _session(aws: LocalAws, account_id: str | None, region: str | None) -> _Session:
    own = _own_session(aws, region or aws.region)
    if account_id in {None, aws.account_id}:
        return own
    role = iam_arn(account_id, f"role/{ADMINISTRATOR_ROLE}")
    issued = own.client("sts").assume_role(RoleArn=role, RoleSessionName="terraform")["Credentials"]
    keys = (issued["AccessKeyId"], issued["SecretAccessKey"])
    return _Session(_boto3(region or aws.region, *keys, issued["SessionToken"]), aws.endpoint_url)


@lru_cache(maxsize=8)
def _own_session(aws: LocalAws, region: str) -> _Session:
    """The default account's, whose credentials outlive a reset."""
    return _Session(_boto3(region, aws.access_key_id, aws.secret_access_key), aws.endpoint_url)


def _boto3(region: str, access_key: str, secret_key: str, token: str | None = None) -> boto3.Session:
    core = botocore.session.Session()
    core.register_component("data_loader", _loader())
    return boto3.Session(access_key, secret_key, token, region_name=region, botocore_session=core)


@cache
def _loader() -> Loader:
    """Reads each service's model once, for all sessions."""
    return create_loader()


def _role(at: _Session, wanted: StandInRole) -> None:
    iam: IAMClient = at.client("iam")
    prefix, _, rest = wanted.arn.partition(":role")
    path, _, name = rest.rpartition("/")
    actions = ["sts:AssumeRole", *(["sts:TagSession"] if wanted.service == _PODS else [])]
    trust = wanted.trust or _policy({"Principal": {"Service": wanted.service}, "Action": actions})
    try:
        iam.create_role(
            Path=path + "/",
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(trust),
            Tags=[{"Key": key, "Value": value} for key, value in wanted.tags.items()],
        )
    except iam.exceptions.EntityAlreadyExistsException:
        return
    if wanted.service == _INSTANCES:
        iam.create_instance_profile(InstanceProfileName=name, Path=path + "/")
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    for policy, document in wanted.policies.items():
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
    if wanted.boundary is not None:
        bound, arn = json.dumps(wanted.boundary), f"{prefix}:policy/{name}-boundary"
        _unless_there(
            lambda: iam.create_policy(PolicyName=f"{name}-boundary", PolicyDocument=bound),
            iam.exceptions.EntityAlreadyExistsException,
        )
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=arn)


def _policy(*allowed: Mapping[str, Any]) -> PolicyDocument:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in allowed]}


def _function(at: _Session, wanted: StandInFunction) -> None:
    client = at.client("lambda")
    _unless_there(
        lambda: client.create_function(
            FunctionName=wanted.name,
            Role=wanted.role_arn,
            Runtime="python3.12",
            Handler="index.handler",
            Code={"ZipFile": _archive()},
        ),
        client.exceptions.ResourceConflictException,
    )
    for service in wanted.invoked_by:
        statement = service.split(".", 1)[0]
        _unless_there(
            lambda service=service, statement=statement: client.add_permission(  # type: ignore[misc] # bound early
                FunctionName=wanted.name, StatementId=statement, Action="lambda:InvokeFunction", Principal=service
            ),
            client.exceptions.ResourceConflictException,
        )


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", _HANDLER)
    return buffer.getvalue()


def _service(at: _Session, wanted: StandInService) -> None:
    ecs = at.client("ecs")
    ecs.create_cluster(clusterName=wanted.cluster)
    found = ecs.describe_services(cluster=wanted.cluster, services=[wanted.service])["services"]
    if any(one["status"] == "ACTIVE" for one in found):
        return
    registered = ecs.register_task_definition(
        family=wanted.family,
        executionRoleArn=wanted.execution_role_arn,
        taskRoleArn=wanted.task_role_arn,
        containerDefinitions=[{"name": wanted.container_name, "image": "scratch", "memory": 128}],
    )
    ecs.create_service(
        cluster=wanted.cluster,
        serviceName=wanted.service,
        taskDefinition=registered["taskDefinition"]["taskDefinitionArn"],
        desiredCount=1,
    )


def _stage(at: _Session, wanted: StandInStage) -> None:
    client: APIGatewayClient = at.client("apigateway")
    named = [one["id"] for one in client.get_rest_apis(limit=500)["items"] if one["name"] == wanted.api_name]
    api = named[0] if named else client.create_rest_api(name=wanted.api_name)["id"]
    if any(one["stageName"] == wanted.stage_name for one in client.get_stages(restApiId=api)["item"]):
        return
    root = next(one["id"] for one in client.get_resources(restApiId=api)["items"] if one["path"] == "/")
    if not named:
        client.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
        client.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    client.create_deployment(restApiId=api, stageName=wanted.stage_name)


def _secret(at: _Session, wanted: StandInSecret) -> None:
    client = at.client("secretsmanager")
    value = client.get_random_password()["RandomPassword"]
    _unless_there(
        lambda: client.create_secret(Name=wanted.name, SecretString=value),
        client.exceptions.ResourceExistsException,
    )
    client.put_resource_policy(SecretId=wanted.name, ResourcePolicy=json.dumps(wanted.policy), BlockPublicPolicy=True)


def _network(at: _Session, wanted: StandInNetwork) -> None:
    client: EC2Client = at.client("ec2")
    known = client.describe_subnets(Filters=[{"Name": "subnet-id", "Values": list(wanted.subnet_ids)}])["Subnets"]
    missing = sorted({*wanted.subnet_ids} - {one["SubnetId"] for one in known})
    vpc = _vpc_of(client, missing) if missing else known[0]["VpcId"]
    groups = list(wanted.security_group_ids)
    found = client.describe_security_groups(Filters=[{"Name": "group-id", "Values": groups}])["SecurityGroups"]
    for group in sorted({*groups} - {one["GroupId"] for one in found}):
        client.create_security_group(
            GroupName=group,
            Description="Of the rotation function",
            VpcId=vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": [{"Key": ID_TAG, "Value": group}]}],
        )


def _vpc_of(client: EC2Client, subnets: Sequence[str]) -> str:
    """Make a VPC with these subnets, which lead out by a NAT gateway."""
    vpc = client.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    for number, subnet in enumerate(subnets):
        client.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.0.{number}.0/24",
            TagSpecifications=[{"ResourceType": "subnet", "Tags": [{"Key": ID_TAG, "Value": subnet}]}],
        )
    address = client.allocate_address(Domain="vpc")["AllocationId"]
    nat = client.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    (table,) = client.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    client.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    return vpc


def _unless_there(create: Callable[[], object], conflict: type[Exception]) -> None:
    try:
        create()
    except conflict:
        return
