"""Define the desired state of a secret, and of its replicas; no plaintext."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field, PlainSerializer

from secrets_pipeline.desired.base import DocumentTree, Late, SecretRef, Spec, plain_document
from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.unresolved import Unresolved
from secrets_pipeline.desired.value.model import ExternalValue, Value
from secrets_pipeline.errors import Where


class SecretType(StrEnum):
    """What a secret holds; a type validates the fields of its value."""

    CREDENTIALS = "credentials"
    CONNECTION = "connection"
    API_KEY = "api-key"
    OAUTH_CONFIG = "oauth-config"
    VPN_CONFIG = "vpn-config"
    CERTIFICATE = "certificate"
    GENERIC = "generic"


class ReplicaSpec(Spec):
    """A replica in another region."""

    region: str = Field(description="AWS region.", examples=["eu-west-1"])
    kms_key_id: str | None = Field(
        default=None, description="KMS key of that region: ARN, id or alias; by default AWS's own."
    )


class SecretSpec(Spec):
    """A secret with everything that hangs on it.

    Attributes:
        ref: component and key that declare it.
        name: `{context_name}/{environment}/{path}/{name}`, or as name_template or full_name say.
        home: the prefix, ending in a slash, below which all names are the stack's own; empty where it is not below
            one.
        previous_name: of the secret whose value it begins with; empty for none.
        description: None where the stack says none.
        kms_key: key ARN, id, alias or expression; None for `aws/secretsmanager`.
        says_default_key: whether a kms_key of None is what the stack says, and not for want of a word about it.
        recovery_window_in_days: 0 (force) or 7 to 30, used by prune alone.
        policy: statements of the resource policy that the stack declares, as a list.
        readers: principals of other accounts that may read it, as ARNs.
        needs_endpoint: whether its value waits for a database, directly or through another secret.
        depends_on: secrets of the same stack that its value is rendered from.
        unresolved: references without a value, now or later; with one, nothing about the secret is to be written.
        required_as: what Atmos calls it and its store, where `atmos secret validate` fails while it has no value.
        where: the place in YAML.
    """

    ref: SecretRef
    name: str
    home: str = ""
    previous_name: str = ""
    type: SecretType = SecretType.GENERIC
    description: str | None = None
    kms_key: Late | None = None
    says_default_key: bool = False
    value: Value = Field(discriminator="kind")
    recovery_window_in_days: int = 30
    tags: Mapping[str, str] = {}
    policy: Annotated[tuple[DocumentTree, ...], PlainSerializer(plain_document)] = ()
    readers: tuple[str, ...] = ()
    rotation: RotationSpec | None = None
    replicas: tuple[ReplicaSpec, ...] = ()
    needs_endpoint: bool = False
    depends_on: tuple[SecretRef, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    required_as: str = ""
    where: Where = Where()

    @property
    def blocked(self) -> bool:
        """Whether a reference of it, or of a secret that it needs, has no value."""
        return bool(self.unresolved)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with its references, each thing once, however often it refers to it."""
        return tuple(dict.fromkeys(one.problem for one in self.unresolved))

    @property
    def remedies(self) -> tuple[str, ...]:
        """What to write instead, each once."""
        return tuple(dict.fromkeys(one.remedy for one in self.unresolved))

    @property
    def declares_key(self) -> bool:
        """Whether the stack says which key it is under, be it the default one."""
        return self.kms_key is not None or self.says_default_key

    @property
    def external(self) -> bool:
        """Whether somebody else brings its value."""
        return isinstance(self.value, ExternalValue)
