"""Describe references that nobody can resolve: what is wrong with each, and why."""

from __future__ import annotations

from enum import StrEnum

from secrets_pipeline.desired.base import Spec
from secrets_pipeline.errors import visible


class UnresolvedReason(StrEnum):
    """Why a reference has no value, now or later."""

    STACK = "missing stack"
    COMPONENT = "missing component"
    SWITCHED_OFF = "component without outputs"
    OUTPUT = "missing output"
    TERRAFORM = "known to Terraform alone"
    VARIABLE = "missing variable"
    CIRCULAR = "circular"
    ATMOS = "known to Atmos alone"
    ENVIRONMENT = "not allowed"
    FILE = "missing file"
    TEMPLATE = "template without a value"
    BLOCKED = "needs a blocked secret"


class Unresolved(Spec):
    """One reference that has no value, so that the secret it stands in is blocked.

    Attributes:
        expression: the reference, for example `${output.kms.key_id}`.
        key: dotted path inside the component.
        problem: what is wrong, in one sentence.
        remedy: what to write instead.
        where: text that names the place in YAML, for messages.
    """

    expression: str
    key: str
    reason: UnresolvedReason
    problem: str
    remedy: str
    where: str

    @property
    def is_cause(self) -> bool:
        """Whether something is wrong here, as against in a secret that this one needs."""
        return self.reason is not UnresolvedReason.BLOCKED

    def diagnostics(self) -> str:
        """The whole text: place, problem, remedy."""
        return "\n  ".join((f"{visible(self.where)}: {visible(self.problem)}", visible(self.remedy)))
