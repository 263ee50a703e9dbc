"""Desired state: what one stack asks of AWS. Pure data; no AWS objects, no plaintext."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from secrets_pipeline.references import Expression, Output, Path

LateExpression: TypeAlias = Annotated[Expression, PlainSerializer(str, return_type=str)]
LateOutput: TypeAlias = Annotated[Output, PlainSerializer(str, return_type=str)]
Late: TypeAlias = str | LateExpression
"""A string that is known now, or an expression that AWS answers later."""

Document: TypeAlias = Any
"""A JSON-shaped tree whose leaves may be `Expression`."""


def _plain(document: Any) -> Any:  # noqa: ANN401 - a JSON-shaped tree
    if isinstance(document, Mapping):
        return {str(key): _plain(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [_plain(value) for value in document]
    return str(document) if isinstance(document, Expression) else document


class Spec(BaseModel):
    """Base of all desired state: frozen, nothing undeclared."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class SecretType(StrEnum):
    """What a secret holds; a type validates the fields of its value."""

    CREDENTIALS = "credentials"
    CONNECTION = "connection"
    API_KEY = "api-key"
    OAUTH_CONFIG = "oauth-config"
    VPN_CONFIG = "vpn-config"
    CERTIFICATE = "certificate"
    GENERIC = "generic"


class Target(Spec):
    """Where a stack lives.

    Attributes:
        account_id: 12 digits, or None when nobody said.
        region: AWS region name.
        role_arn: role to assume there, or None for the caller's own credentials.
    """

    account_id: str | None = Field(default=None, pattern=r"^\d{12}$")
    region: str
    role_arn: str | None = None


class SecretRef(Spec):
    """One entry of a `secretsmanager` component's `secrets` map, in the same stack."""

    component: str
    key: str

    def __str__(self) -> str:
        return f"{self.component}#{self.key}"


class KeySpec(Spec):
    """A KMS key with its alias, and its policy.

    Attributes:
        components: a `kms` component, or the `secretsmanager` components that share it through `create_kms_key`.
        alias: `alias/…`, unique in account and region; the key is found by it.
        deletion_window_in_days: 7 to 30.
        rotation_period_in_days: 90 to 2560, or None for AWS's default of 365.
        policy: further statements of the key policy, as a list.
        readers: principals of other accounts that decrypt secrets under this key, as ARNs.
    """

    components: tuple[str, ...]
    alias: str
    description: str = ""
    enable_key_rotation: bool = True
    rotation_period_in_days: int | None = None
    deletion_window_in_days: int = 30
    tags: Mapping[str, str] = {}
    policy: Annotated[tuple[Document, ...], PlainSerializer(_plain)] = ()
    readers: tuple[str, ...] = ()


class PasswordPolicy(Spec):
    """How to generate a password.

    Attributes:
        length: characters.
        alphabet: classes by name, each a string of distinct characters: lower, upper, numeric, special (may be empty).
        minima: how many of each class at least.
    """

    length: int
    alphabet: Mapping[str, str]
    minima: Mapping[str, int]


class GeneratedValue(Spec):
    """A password that is generated once; with `fields`, the JSON that AWS's rotation templates read.

    Attributes:
        policy: how to generate it.
        fields: the other keys of the JSON (engine, host, port, username, dbname …) in order; empty for a plain string.
    """

    kind: Literal["generated"] = "generated"
    policy: PasswordPolicy
    fields: Mapping[str, str | int | LateExpression] = {}


class Leaf(Spec):
    """One leaf of a declared value: a handle on the YAML, never its text.

    Attributes:
        path: keys inside the JSON value; empty when the value is a plain string.
        source: path inside the component's sections, for example `("vars", "secrets", "url", "secret_data")`.
        outputs: outputs that its references name, in order of appearance.
        ssm: SSM parameters that it names.
    """

    path: Path
    source: Path
    outputs: tuple[LateOutput, ...] = ()
    ssm: tuple[str, ...] = ()


class DeclaredValue(Spec):
    """`secret_data`: a string, or a JSON object whose leaves may be references."""

    kind: Literal["declared"] = "declared"
    document: bool
    leaves: tuple[Leaf, ...]

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Every output that the value is rendered from."""
        return tuple(output for leaf in self.leaves for output in leaf.outputs)


class RotationSpec(Spec):
    """Rotation as RotateSecret takes it.

    Attributes:
        lambda_arn: the rotation function.
        automatically_after_days: 1 to 1000, or None with `schedule_expression`.
        schedule_expression: `rate(…)` or `cron(…)`.
        duration: hours of the window, for example `3h`.
        rotate_immediately: whether switching it on also rotates at once.
    """

    lambda_arn: Late
    automatically_after_days: int | None = None
    schedule_expression: str | None = None
    duration: str | None = None
    rotate_immediately: bool = False


class ReplicaSpec(Spec):
    """A replica in another region."""

    region: str
    kms_key_id: str | None = None


class SecretSpec(Spec):
    """A secret with everything that hangs on it.

    Attributes:
        ref: component and key that declare it.
        name: `{context_name}/{environment}/{path}/{name}`.
        kms_key: key ARN, id, alias or expression; None for `aws/secretsmanager`.
        recovery_window_in_days: 0 (force) or 7 to 30, used by prune alone.
        policy: statements of the resource policy that the stack declares, as a list.
        readers: principals of other accounts that may read it, as ARNs.
        needs_endpoint: whether its value waits for a database, directly or through another secret.
        depends_on: secrets of the same stack that its value is rendered from.
        where: text that names the place in YAML, for messages.
    """

    ref: SecretRef
    name: str
    type: SecretType = SecretType.GENERIC
    description: str = ""
    kms_key: Late | None = None
    value: GeneratedValue | DeclaredValue = Field(discriminator="kind")
    recovery_window_in_days: int = 30
    tags: Mapping[str, str] = {}
    policy: Annotated[tuple[Document, ...], PlainSerializer(_plain)] = ()
    readers: tuple[str, ...] = ()
    rotation: RotationSpec | None = None
    replicas: tuple[ReplicaSpec, ...] = ()
    needs_endpoint: bool = False
    depends_on: tuple[SecretRef, ...] = ()
    where: str = ""


class DatabaseSpec(Spec):
    """An RDS instance.

    Attributes:
        component: the `rds` component.
        identifier: DBInstanceIdentifier.
        engine: RDS engine name, for example `postgres`.
        username: MasterUsername.
        password: the secret whose generated password is the master password; None where RDS manages it.
        manage_master_user_password: RDS owns the secret; it is read, never written.
        create: whether the stack asks us to create the instance.
        parameters: further parameters of CreateDBInstance under their API names, for example `MultiAZ`.
    """

    component: str
    identifier: str
    engine: str
    engine_version: str | None = None
    instance_class: str = "db.t4g.micro"
    allocated_storage: int = 20
    db_name: str | None = None
    port: int | None = None
    username: Late
    password: SecretRef | None = None
    manage_master_user_password: bool = False
    create: bool = False
    tags: Mapping[str, str] = {}
    parameters: Mapping[str, Any] = {}


class ReaderType(StrEnum):
    """What runs under the reading role."""

    EC2 = "ec2"
    LAMBDA = "lambda"
    ECS = "ecs"
    EKS = "eks"
    APP = "app"


class ConsumerSpec(Spec):
    """Somebody who reads secrets.

    Attributes:
        component: the component that declares it.
        name: its key there, or the component's name when it was found by its references.
        principals: role ARNs: the ECS execution role reads what is injected, the task role what the code fetches.
        delivery: `secrets` (injected) or `arn` (the code fetches it).
        secrets: what it reads.
    """

    component: str
    name: str
    type: ReaderType
    principals: Mapping[Literal["role", "execution_role", "task_role"], str]
    delivery: Literal["secrets", "arn"] = "arn"
    secrets: tuple[SecretRef, ...]


class LambdaDelivery(Spec):
    """Environment variables of a function that hold references."""

    kind: Literal["lambda"] = "lambda"
    component: str
    deliver: bool
    function_name: str
    role_arn: str | None = None
    environment: Mapping[str, LateExpression]


class EcsDelivery(Spec):
    """`secrets` and `environment` entries of one container that hold references."""

    kind: Literal["ecs"] = "ecs"
    component: str
    deliver: bool
    cluster: str
    service: str
    family: str
    container: str
    execution_role_arn: str | None = None
    task_role_arn: str | None = None
    secrets: Mapping[str, LateExpression]
    environment: Mapping[str, LateExpression] = {}


class StageDelivery(Spec):
    """Stage variables of a REST API that hold references."""

    kind: Literal["apigateway"] = "apigateway"
    component: str
    deliver: bool
    api_name: str
    stage_name: str
    variables: Mapping[str, LateExpression]


Delivery: TypeAlias = Annotated[LambdaDelivery | EcsDelivery | StageDelivery, Field(discriminator="kind")]


class StackSpec(Spec):
    """Everything that one stack asks of one account and region.

    Attributes:
        stack: logical stack name, also the partition key.
        components: each recognised component by name, with its kind (`secretsmanager`, `kms`, `rds` …).
        protected: production: no force delete, no short recovery window.
        secrets: in dependency order.
    """

    stack: str
    target: Target
    protected: bool = False
    components: Mapping[str, str] = {}
    keys: tuple[KeySpec, ...] = ()
    secrets: tuple[SecretSpec, ...] = ()
    databases: tuple[DatabaseSpec, ...] = ()
    consumers: tuple[ConsumerSpec, ...] = ()
    deliveries: tuple[Delivery, ...] = ()

    def secret(self, ref: SecretRef) -> SecretSpec:
        """The secret that `ref` names.

        Raises:
            KeyError: if the stack has none.
        """
        for secret in self.secrets:
            if secret.ref == ref:
                return secret
        raise KeyError(str(ref))

    def has(self, ref: SecretRef) -> bool:
        """Whether the stack declares `ref`."""
        return any(s.ref == ref for s in self.secrets)

    def digest(self) -> str:
        """SHA-256 (hex) over the whole desired state; it holds no plaintext, so neither does its digest."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
