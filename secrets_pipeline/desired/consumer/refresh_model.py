"""Define the desired state of refreshes: what is started anew when a secret that it reads has another value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from secrets_pipeline.desired.base import SecretRef, Spec


class EcsRefresh(Spec):
    """A service, by a new deployment of the task definition that it runs."""

    kind: Literal["ecs"] = "ecs"
    cluster: str
    service: str

    @property
    def name(self) -> str:
        """For example `shop/orders`."""
        return f"{self.cluster}/{self.service}"


class LambdaRefresh(Spec):
    """A function, by a change of its configuration."""

    kind: Literal["lambda"] = "lambda"
    function_name: str

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function_name


class StageRefresh(Spec):
    """A stage of a REST API, by another deployment of the API to it."""

    kind: Literal["apigateway"] = "apigateway"
    api_name: str
    stage_name: str

    @property
    def name(self) -> str:
        """For example `shop-api/dev`."""
        return f"{self.api_name}/{self.stage_name}"


class SsmRefresh(Spec):
    """Instances, by an SSM document that is run on them.

    Attributes:
        consumer: whose; it is part of the command's comment.
        document: name or ARN.
        targets: as SendCommand takes them, for example `tag:Role` → `orders`.
        parameters: of the document.
    """

    kind: Literal["ssm"] = "ssm"
    consumer: str
    document: str
    targets: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, tuple[str, ...]] = {}

    @property
    def name(self) -> str:
        """For example `orders: RestartOrders`."""
        return f"{self.consumer}: {self.document}"


RefreshMeans: TypeAlias = Annotated[EcsRefresh | LambdaRefresh | StageRefresh | SsmRefresh, Field(discriminator="kind")]


class RefreshSpec(Spec):
    """One consumer that is started anew.

    Attributes:
        component: the component that says so.
        means: what is started anew, and how.
        secrets: what it reads of this stack.
    """

    component: str
    means: RefreshMeans
    secrets: tuple[SecretRef, ...]

    @property
    def name(self) -> str:
        """What is started anew, with its kind: unique in a stack."""
        return f"{self.means.kind} {self.means.name}"
