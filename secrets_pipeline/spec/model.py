"""Desired state: what one stack asks of AWS. Pure data; no AWS objects, no plaintext."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PrivateAttr

from secrets_pipeline.references import Output
from secrets_pipeline.spec.base import (
    Document,
    Late,
    LateExpression,
    SecretRef,
    Spec,
    Target,
    plain_document,
)
from secrets_pipeline.spec.boundaries import Contested, Crossing
from secrets_pipeline.spec.consumer_model import (
    ConsumerSpec,
    Delivery,
    EcsDelivery,
    LambdaDelivery,
    PodSpec,
    PrincipalRole,
    ReaderType,
    StageDelivery,
)
from secrets_pipeline.spec.control_model import ControlParameters
from secrets_pipeline.spec.engines import is_cluster
from secrets_pipeline.spec.refresh_model import RefreshSpec
from secrets_pipeline.spec.rotation_model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.spec.unresolved import Unresolved
from secrets_pipeline.spec.value_model import DeclaredValue, GeneratedValue, Leaf, PasswordPolicy
from secrets_pipeline.spec.verification_model import VerificationSpec

__all__ = [
    "ConsumerSpec",
    "ControlParameters",
    "DatabaseSpec",
    "DeclaredValue",
    "Delivery",
    "Document",
    "EcsDelivery",
    "GeneratedValue",
    "KeySpec",
    "LambdaDelivery",
    "Late",
    "LateExpression",
    "Leaf",
    "PasswordPolicy",
    "PodSpec",
    "PrincipalRole",
    "ReaderType",
    "ReplicaSpec",
    "RotationFunctionSpec",
    "RotationSpec",
    "RotationStrategy",
    "SecretRef",
    "SecretSpec",
    "SecretType",
    "Spec",
    "StackSpec",
    "StageDelivery",
    "Target",
    "Unresolved",
    "VerificationSpec",
]


class SecretType(StrEnum):
    """What a secret holds; a type validates the fields of its value."""

    CREDENTIALS = "credentials"
    CONNECTION = "connection"
    API_KEY = "api-key"
    OAUTH_CONFIG = "oauth-config"
    VPN_CONFIG = "vpn-config"
    CERTIFICATE = "certificate"
    GENERIC = "generic"


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
    policy: Annotated[tuple[Document, ...], PlainSerializer(plain_document)] = ()
    readers: tuple[str, ...] = ()


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
        unresolved: references without a value, now or later; with one, nothing about the secret is to be written.
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
    policy: Annotated[tuple[Document, ...], PlainSerializer(plain_document)] = ()
    readers: tuple[str, ...] = ()
    rotation: RotationSpec | None = None
    replicas: tuple[ReplicaSpec, ...] = ()
    needs_endpoint: bool = False
    depends_on: tuple[SecretRef, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    where: str = ""

    @property
    def blocked(self) -> bool:
        """Whether a reference of it, or of a secret that it needs, has no value."""
        return bool(self.unresolved)


class DatabaseSpec(Spec):
    """An RDS instance, or an Aurora cluster where the engine is one of Aurora's.

    Attributes:
        component: the `rds` component.
        identifier: DBInstanceIdentifier or DBClusterIdentifier.
        engine: RDS engine name, for example `postgres`.
        instance_count: instances of a cluster, the writer among them.
        username: MasterUsername; for a database that is found, an expression where the YAML does not say it.
        password: the secret whose generated password is the master password; None where RDS manages it.
        manage_master_user_password: RDS owns the secret; it is read, never written.
        create: whether the stack asks us to create it.
        parameters: further parameters of CreateDBInstance or CreateDBCluster under their API names, for example
            `MultiAZ`.
        instance_parameters: further parameters of CreateDBInstance for each instance of a cluster.
    """

    component: str
    identifier: str
    engine: str
    engine_version: str | None = None
    instance_class: str = "db.t4g.micro"
    instance_count: int = 1
    allocated_storage: int = 20
    db_name: str | None = None
    port: int | None = None
    username: Late
    password: SecretRef | None = None
    manage_master_user_password: bool = False
    create: bool = False
    tags: Mapping[str, str] = {}
    parameters: Mapping[str, Any] = {}
    instance_parameters: Mapping[str, Any] = {}

    @property
    def is_cluster(self) -> bool:
        """Whether it is an Aurora cluster, not a single instance."""
        return is_cluster(self.engine)

    @property
    def member_identifiers(self) -> tuple[str, ...]:
        """Identifiers that a cluster gives its instances, as the common Terraform modules do."""
        return tuple(f"{self.identifier}-{number}" for number in range(1, self.instance_count + 1))

    @property
    def noun(self) -> str:
        """What it is, in messages."""
        return "Aurora cluster" if self.is_cluster else "RDS instance"


class StackSpec(Spec):
    """Everything that one stack asks of one account and region.

    Attributes:
        stack: logical stack name, also the partition key.
        components: each recognised component by name, with its kind (`secretsmanager`, `kms`, `rds` …).
        protected: production: no force delete, no short recovery window.
        organization_id: `o-…` that readers in other accounts have to belong to; None for any or none.
        secrets: in dependency order.
        controls: by `secretsmanager` component, what Security Hub's controls ask of its secrets.
        self_heal: components whose policies are narrowed again by themselves when somebody widened them.
        verification: when the stack is verified.
        rotation_function: the function that rotates the secrets with managed rotation; None where there is none.
        crossings: what the stack takes in and writes to beyond its own.
        contested: names that other stacks of the repository declare too.
    """

    stack: str
    target: Target
    protected: bool = False
    organization_id: str | None = None
    components: Mapping[str, str] = {}
    keys: tuple[KeySpec, ...] = ()
    secrets: tuple[SecretSpec, ...] = ()
    databases: tuple[DatabaseSpec, ...] = ()
    consumers: tuple[ConsumerSpec, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    refreshes: tuple[RefreshSpec, ...] = ()
    controls: Mapping[str, ControlParameters] = {}
    self_heal: tuple[str, ...] = ()
    rotation_function: RotationFunctionSpec | None = None
    verification: VerificationSpec = VerificationSpec()
    crossings: tuple[Crossing, ...] = ()
    contested: tuple[Contested, ...] = ()
    _by_ref: tuple[tuple[SecretSpec, ...] | None, Mapping[SecretRef, SecretSpec]] = PrivateAttr(default=(None, {}))

    def secret(self, ref: SecretRef) -> SecretSpec:
        """The secret that `ref` names.

        Raises:
            KeyError: if the stack has none.
        """
        return self._index()[ref]

    def has(self, ref: SecretRef) -> bool:
        """Whether the stack declares `ref`."""
        return ref in self._index()

    def key_of(self, secret: SecretSpec) -> KeySpec | None:
        """The key of this stack that encrypts a secret; None for the default key, and for one that others made."""
        match secret.kms_key:
            case str(alias):
                return next((key for key in self.keys if key.alias == alias), None)
            case Output(component=component, stack=named) if named in (None, self.stack):
                return next((key for key in self.keys if component in key.components), None)
            case _:
                return None

    def _index(self) -> Mapping[SecretRef, SecretSpec]:
        secrets, index = self._by_ref
        # A copy with other secrets brings this cache along.
        if secrets is not self.secrets:
            index = {secret.ref: secret for secret in self.secrets}
            self._by_ref = (self.secrets, index)
        return index

    def digest(self) -> str:
        """SHA-256 (hex) over the whole desired state, wherever in the YAML it stands; there is no plaintext in it."""
        places: dict[str, Any] = {"secrets": {"__all__": {"where": True, "unresolved": {"__all__": {"where": True}}}}}
        # Who allows it, and what others declare, is not what the stack asks for.
        places |= {"crossings": True, "contested": True}
        text = json.dumps(self.model_dump(mode="json", exclude=places), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
