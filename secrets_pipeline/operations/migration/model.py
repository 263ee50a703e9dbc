"""Define what is found in a state: secrets with their parts, and parameters that secrets may take the place of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from secrets_pipeline.arn import Arn
from secrets_pipeline.operations.migration.addresses import Address
from secrets_pipeline.operations.migration.state import Instance


@dataclass(frozen=True, slots=True)
class Place:
    """Where secrets are: one stack serves one account and one region.

    Attributes:
        account_id: 12 digits.
        region: for example `eu-west-2`.
    """

    account_id: str
    region: str

    @classmethod
    def of(cls, arn: Arn) -> Place:
        """The place that an ARN names."""
        return cls(arn.account_id, arn.region)

    def __str__(self) -> str:
        return f"account {self.account_id}, {self.region}"


@dataclass(frozen=True, slots=True)
class Generated:
    """A value that is the password of a `random_password`, character by character.

    Attributes:
        source: the `random_password`.
        policy: keys of an entry that say how such a password is made, without those that say the default.
    """

    source: Address
    policy: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class External:
    """A value that is not ours to write: the one in AWS stays.

    Attributes:
        why: in one sentence.
    """

    why: str


@dataclass(frozen=True, slots=True)
class MigratedSecret:
    """A secret of a state, with everything of it that hangs on other resources.

    Attributes:
        instance: the `aws_secretsmanager_secret`.
        arn: its ARN.
        name: its name in AWS.
        value: what becomes of its value.
        description: as in AWS.
        kms_key_id: as Terraform wrote it; empty for `aws/secretsmanager`.
        recovery_window_in_days: 0, or 7 to 30.
        tags: with the provider's `default_tags`.
        policy: its resource policy; None for none.
        rotation: keys of an entry's `rotation`; None for none.
        replicas: entries of `replica_regions`.
        parts: its version, policy, rotation and `random_password`.
        notes: what a human should know, a sentence each.
    """

    instance: Instance
    arn: Arn
    name: str
    value: Generated | External
    description: str = ""
    kms_key_id: str = ""
    recovery_window_in_days: int = 30
    tags: Mapping[str, str] = field(default_factory=dict)
    policy: Mapping[str, Any] | None = None
    rotation: Mapping[str, Any] | None = None
    replicas: tuple[str | Mapping[str, str], ...] = ()
    parts: tuple[Instance, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """Its account and region."""
        return Place.of(self.arn)


@dataclass(frozen=True, slots=True)
class MigratedParameter:
    """A `SecureString` of Parameter Store that a secret may take the place of.

    Attributes:
        instance: the `aws_ssm_parameter`.
        arn: its ARN.
        name: its name, mostly beginning with `/`.
        description: as in AWS.
        kms_key_id: as Terraform wrote it; empty for `aws/ssm`.
        tags: with the provider's `default_tags`.
        notes: what a human should know, a sentence each.
    """

    instance: Instance
    arn: Arn
    name: str
    description: str = ""
    kms_key_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """Its account and region."""
        return Place.of(self.arn)


@dataclass(frozen=True, slots=True)
class Found:
    """All that a state has for this project.

    Attributes:
        secrets: in the order of the state.
        parameters: every `SecureString`.
        notes: what is there and cannot be taken over, a sentence each.
    """

    secrets: tuple[MigratedSecret, ...]
    parameters: tuple[MigratedParameter, ...]
    notes: tuple[str, ...]
