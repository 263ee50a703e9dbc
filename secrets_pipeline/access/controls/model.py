"""Hold a control of Security Hub, its parameters and its judgement of a secret, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from secrets_pipeline.access.controls.reads import LastReads, UnreadReads
from secrets_pipeline.access.snapshot.model import SecretSnapshot
from secrets_pipeline.desired.verification.model import ControlParameters

ParameterValue: TypeAlias = int | tuple[str, ...] | None


class Severity(StrEnum):
    """How grave Security Hub takes a failed control to be."""

    LOW = "Low"
    MEDIUM = "Medium"


@dataclass(frozen=True, slots=True)
class Control:
    """A control of Security Hub.

    Attributes:
        id: for example `SecretsManager.1`.
        title: Security Hub's.
        severity: Security Hub's.
        config_rule: the AWS Config rule behind it.
        parameter: AWS's name of its parameter; None where it has none.
    """

    id: str
    title: str
    severity: Severity
    config_rule: str
    parameter: str | None = None

    @property
    def check_name(self) -> str:
        """Its name as a check, for example `security_hub_secretsmanager_1`."""
        return f"security_hub_{self.id.lower().replace('.', '_')}"


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that a control may look at.

    Attributes:
        secret: as a snapshot has it.
        parameters: of the component that declares it.
        now: with time zone: when the snapshot was taken.
        reads: of others than the pipeline.
    """

    secret: SecretSnapshot
    parameters: ControlParameters
    now: datetime
    reads: LastReads | UnreadReads


@dataclass(frozen=True, slots=True)
class Passed:
    """The secret is as the control asks.

    Attributes:
        reason: what shows it.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The secret is not as the control asks.

    Attributes:
        reason: why.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The control has nothing to say of this secret.

    Attributes:
        reason: why.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The judgement depends on what could not be read.

    Attributes:
        reason: on what.
    """

    reason: str


Judgement: TypeAlias = Passed | Failed | NotApplicable | Unknown


@dataclass(frozen=True, slots=True)
class ControlResult:
    """What a control says of a secret.

    Attributes:
        control: the control.
        secret_arn: of the secret.
        secret_name: of the secret.
        judgement: what it says.
        parameters: what it was asked with, under AWS's names; None for a parameter without a value.
    """

    control: Control
    secret_arn: str
    secret_name: str
    judgement: Judgement
    parameters: Mapping[str, ParameterValue]
