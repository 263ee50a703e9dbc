"""Define the desired state of consumers: who reads, and where references are delivered."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from secrets_pipeline.desired.base import LateExpression, SecretRef, Spec
from secrets_pipeline.desired.consumer.refresh_model import RefreshMeans
from secrets_pipeline.references.model import Expression

PrincipalRole: TypeAlias = Literal["role", "execution_role", "task_role"]


class ReaderType(StrEnum):
    """What runs under the reading role."""

    EC2 = "ec2"
    LAMBDA = "lambda"
    ECS = "ecs"
    EKS = "eks"
    APP = "app"


class PodSpec(Spec):
    """How pods on EKS get their role; what nobody said is None.

    Attributes:
        identity: IRSA or EKS Pod Identity; either may be meant where it is None.
        service_account: `namespace/name`.
        issuer: the cluster's OIDC issuer without `https://`, for example `oidc.eks.eu-west-2.amazonaws.com/id/EXAMPLE`.
    """

    identity: Literal["irsa", "pod-identity"] | None = None
    service_account: str | None = None
    issuer: str | None = None


class ConsumerSpec(Spec):
    """Somebody who reads secrets.

    Attributes:
        component: the component that declares it.
        name: its key there, or the component's name when it was found by its references.
        principals: role ARNs: the ECS execution role reads what is injected, the task role what the code fetches.
        delivery: `secrets` (injected) or `arn` (the code fetches it).
        secrets: what it reads.
        attach_policies: whether the roles of our own account get a policy that lets them read.
        pod: of type eks, how its pods get the role.
        assumed_by: of type app, who assumes the role: principal ARNs, account ids, services; empty if nobody said.
        refresh: how it is started anew when a secret that it reads has another value; None if it is not, or if it was
            found by its references.
    """

    component: str
    name: str
    type: ReaderType
    principals: Mapping[PrincipalRole, str]
    delivery: Literal["secrets", "arn"] = "arn"
    secrets: tuple[SecretRef, ...]
    attach_policies: bool = False
    pod: PodSpec = PodSpec()
    assumed_by: tuple[str, ...] = ()
    refresh: RefreshMeans | None = None

    @property
    def readers(self) -> tuple[str, ...]:
        """ARNs of the roles that read: ECS injects as the execution role, code fetches as the task role."""
        fetches: tuple[PrincipalRole, ...] = ("task_role", "role")
        injected: tuple[PrincipalRole, ...] = ("execution_role", "role")
        for role in injected if self.delivery == "secrets" else fetches:
            if role in self.principals:
                return (self.principals[role],)
        return tuple(self.principals.values())


class LambdaDelivery(Spec):
    """Environment variables of a function that hold references."""

    kind: Literal["lambda"] = "lambda"
    component: str
    deliver: bool
    refresh: bool = False
    function_name: str
    role_arn: str | None = None
    environment: Mapping[str, LateExpression]

    @property
    def name(self) -> str:
        """For example `lambda/worker:shop-worker`."""
        return f"{self.component}:{self.function_name}"

    @property
    def delivered(self) -> tuple[Expression, ...]:
        """What is delivered."""
        return tuple(self.environment.values())


class EcsDelivery(Spec):
    """`secrets` and `environment` entries of one container that hold references."""

    kind: Literal["ecs"] = "ecs"
    component: str
    deliver: bool
    refresh: bool = False
    cluster: str
    service: str
    family: str
    container: str
    execution_role_arn: str | None = None
    task_role_arn: str | None = None
    secrets: Mapping[str, LateExpression]
    environment: Mapping[str, LateExpression] = {}

    @property
    def name(self) -> str:
        """For example `shop/orders/app`."""
        return f"{self.cluster}/{self.service}/{self.container}"

    @property
    def delivered(self) -> tuple[Expression, ...]:
        """What is delivered."""
        return (*self.secrets.values(), *self.environment.values())


class StageDelivery(Spec):
    """Stage variables of a REST API that hold references."""

    kind: Literal["apigateway"] = "apigateway"
    component: str
    deliver: bool
    refresh: bool = False
    api_name: str
    stage_name: str
    variables: Mapping[str, LateExpression]

    @property
    def name(self) -> str:
        """For example `shop-api/dev`."""
        return f"{self.api_name}/{self.stage_name}"

    @property
    def delivered(self) -> tuple[Expression, ...]:
        """What is delivered."""
        return tuple(self.variables.values())


Delivery: TypeAlias = Annotated[LambdaDelivery | EcsDelivery | StageDelivery, Field(discriminator="kind")]
