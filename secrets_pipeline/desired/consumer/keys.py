"""List what manifests may say of who reads secrets: consumers that are declared, and what is delivered to."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from secrets_pipeline.desired.base import ManifestMap, unlisted
from secrets_pipeline.desired.consumer.model import ReaderType
from secrets_pipeline.desired.reading.keys import CommonVariables, Scalar

_ROLE: Final = "arn:aws:iam::111122223333:role/orders"


class PodKeys(ManifestMap):
    """How pods on EKS get their role."""

    identity: Literal["irsa", "pod-identity"] | None = Field(
        default=None, description="For type `eks`: IRSA or EKS Pod Identity; by default either of them."
    )
    service_account: str | None = Field(
        default=None, description="For type `eks`: `namespace/name`.", examples=["payments/orders-api"]
    )
    oidc_provider: str | None = Field(
        default=None, description="For type `eks` with IRSA: the cluster's OIDC issuer, its URL, or its provider's ARN."
    )


class AppKeys(ManifestMap):
    """Who runs as an application."""

    assumed_by: list[str] | None = Field(
        default=None,
        description="For type `app`: who assumes the role, as ARNs, account ids in quotes, or AWS services.",
    )


class EcsRefreshKeys(ManifestMap):
    """Which service is started anew."""

    cluster: str | None = Field(default=None, description="For type `ecs`: name of the cluster.")
    service: str | None = Field(default=None, description="For type `ecs`: name of the service.")


class LambdaRefreshKeys(ManifestMap):
    """Which function is started anew."""

    function_name: str | None = Field(default=None, description="For type `lambda`: name of the function.")


class SsmRefreshKeys(ManifestMap):
    """What is run where, to start anew what reads."""

    ssm_document: str | None = Field(
        default=None, description="For types `ec2` and `app`: name or ARN of the SSM document that restarts the reader."
    )
    targets: dict[str, str | list[str]] | None = Field(
        default=None,
        description="For types `ec2` and `app`: instances that run it, as SendCommand takes them; up to 5.",
        examples=[{"tag:Role": ["orders"]}],
    )
    parameters: dict[str, str | list[str]] | None = Field(
        default=None, description="For types `ec2` and `app`: parameters of the document."
    )


class RefreshEntry(EcsRefreshKeys, LambdaRefreshKeys, SsmRefreshKeys):
    """How to restart a consumer when the value of a secret that it reads changes."""


class ConsumerEntry(PodKeys, AppKeys):
    """One consumer: a role that reads secrets."""

    type: ReaderType | None = Field(default=None, description="What runs under the role.")
    role_arn: str | None = Field(
        default=None, description="Role that reads, for all types but `ecs`.", examples=[_ROLE]
    )
    execution_role_arn: str | None = Field(
        default=None, description="For type `ecs`: the role that reads what ECS injects.", examples=[_ROLE]
    )
    task_role_arn: str | None = Field(
        default=None, description="For type `ecs`: the role that reads what the code fetches.", examples=[_ROLE]
    )
    delivery: Literal["secrets", "arn"] | None = Field(
        default=None,
        description="`secrets` (injected) or `arn` (the code fetches it); by default `secrets` with an execution role.",
    )
    secrets: list[str] | None = Field(default=None, description="Keys of the secrets that the role reads.")
    description: Any = Field(default=None, description="For people.")
    refresh: RefreshEntry | None = Field(
        default=None, description="How to restart the consumer when the value of a secret that it reads changes."
    )


class LambdaVariables(CommonVariables):
    """Variables of a `lambda` component that the pipeline delivers to or restarts. Others are Terraform's."""

    function_name: str | None = Field(default=None, description="Name of the function; Terraform makes it.")
    role_arn: str | None = Field(default=None, description="Execution role of the function. It becomes a consumer.")
    environment_variables: dict[str, Scalar] | None = Field(
        default=None, description="The pipeline delivers the entries that hold references; the others stay Terraform's."
    )


class _NamedEntry(ManifestMap):
    model_config = ConfigDict(extra="allow")

    name: str | None = Field(default=None, description="Name of the environment variable.")


class InjectedSecret(_NamedEntry):
    """An environment variable that ECS fills from a secret."""

    valueFrom: Scalar = Field(default=None, description="ARN of the secret, by a reference.")  # noqa: N815 - AWS's name
    value_from: Scalar = unlisted("Same as `valueFrom`.")


class ContainerVariable(_NamedEntry):
    """An environment variable of a container."""

    value: Scalar = Field(
        default=None, description="The pipeline delivers it if it holds a reference; otherwise it stays Terraform's."
    )


class ContainerDefinition(ManifestMap):
    """A container of the task definition. Its other keys are Terraform's."""

    model_config = ConfigDict(extra="allow")

    name: str | None = Field(default=None, description="Name of the container, as in the task definition.")
    secrets: list[InjectedSecret] | None = Field(default=None, description="What ECS injects.")
    environment: list[ContainerVariable] | None = Field(default=None, description="Its environment variables.")


class EcsVariables(CommonVariables):
    """Variables of an `ecs` component that the pipeline delivers to or restarts. Others are Terraform's."""

    cluster_name: str | None = Field(default=None, description="Name of the cluster; Terraform makes it.")
    service_name: str | None = Field(default=None, description="Name of the service; Terraform makes it.")
    task_family: str | None = Field(
        default=None, description="Family of the task definition; by default the service's name."
    )
    family: str | None = unlisted("Same as `task_family`.")
    execution_role_arn: str | None = Field(
        default=None, description="Role that reads what ECS injects. It becomes a consumer."
    )
    task_role_arn: str | None = Field(
        default=None, description="Role that reads what the code fetches. It becomes a consumer."
    )
    container_definitions: list[ContainerDefinition] | None = Field(
        default=None, description="Containers. The pipeline delivers the entries that hold references."
    )


class ApigatewayVariables(CommonVariables):
    """Variables of an `apigateway` component that the pipeline delivers to or deploys again. Others are Terraform's."""

    api_name: str | None = Field(default=None, description="Name of the REST API; Terraform makes it.")
    stage_name: str | None = Field(default=None, description="Name of the stage; Terraform makes it.")
    stage_variables: dict[str, Scalar] | None = Field(
        default=None, description="The pipeline delivers the entries that hold references; the others stay Terraform's."
    )
