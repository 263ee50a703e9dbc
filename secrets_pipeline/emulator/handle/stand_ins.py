"""Define roles, functions, services, stages and secrets as a team's Terraform would have made them. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

PolicyDocument: TypeAlias = Mapping[str, Any]
"""A policy document."""
ID_TAG = "_custom_id_"
"""On CreateSubnet and CreateSecurityGroup of the embedded AWS: the id that it gets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """What is in an account and region.

    Attributes:
        account_id: account; None for the default one.
        region: region; None for the default one.
    """

    account_id: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class StandInRole:
    """An IAM role, in the account that its ARN names.

    Attributes:
        arn: `arn:aws:iam::ACCOUNT:role/PATH/NAME`.
        service: who may assume it, for example `ecs-tasks.amazonaws.com`.
        policies: inline policies, document by name.
        boundary: document of its permissions boundary, which becomes a managed policy; None for none.
        tags: of the role.
        trust: trust policy in the place of the one that lets `service` in.
    """

    arn: str
    service: str
    policies: Mapping[str, PolicyDocument] = field(default_factory=dict, hash=False)
    boundary: PolicyDocument | None = field(default=None, hash=False)
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    trust: PolicyDocument | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class StandInFunction(_Placed):
    """A small Python Lambda function.

    Attributes:
        name: function name.
        role_arn: execution role, which must be there.
        invoked_by: services that its policy lets in, for example `secretsmanager.amazonaws.com` for rotation.
    """

    name: str
    role_arn: str
    invoked_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StandInService(_Placed):
    """An ECS cluster, a task definition with one container, and a service that runs it.

    Attributes:
        cluster: cluster name.
        service: service name.
        family: family of the task definition.
        container_name: its container.
        execution_role_arn: role that reads injected secrets.
        task_role_arn: role of the code.
    """

    cluster: str
    service: str
    family: str
    container_name: str
    execution_role_arn: str
    task_role_arn: str


@dataclass(frozen=True, slots=True)
class StandInStage(_Placed):
    """A REST API with one mock method, deployed to a stage.

    Attributes:
        api_name: name of the REST API.
        stage_name: stage.
    """

    api_name: str
    stage_name: str


@dataclass(frozen=True, slots=True)
class StandInSecret(_Placed):
    """A secret that somebody made by hand, under the default key, with a random value.

    Attributes:
        name: secret name.
        policy: its resource policy.
    """

    name: str
    policy: PolicyDocument


@dataclass(frozen=True, slots=True)
class StandInNetwork(_Placed):
    """Subnets and security groups of one VPC that leads out by a NAT gateway.

    Attributes:
        subnet_ids: ids that the subnets get.
        security_group_ids: ids that the groups get, which let everything out and nothing in.
    """

    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...] = ()


StandIn = StandInRole | StandInFunction | StandInService | StandInStage | StandInSecret | StandInNetwork
