"""Describe references that nobody can resolve: what is wrong with each, and why."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from secrets_pipeline.desired.base import Spec
from secrets_pipeline.errors import Lines


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
    UNSETTLED = "unsettled component"
    BLOCKED = "needs a blocked secret"


class Unresolved(Spec):
    """One reference that has no value, so that the secret it stands in is blocked.

    Attributes:
        expression: the reference, for example `${output.kms.key_id}`.
        key: dotted path inside the component.
        problem: what is wrong, in one sentence.
        remedy: what to write instead.
        where: text that names the place in YAML, for messages.
        written: the YAML function that stands there, without its default; empty where `${…}` is written.
    """

    expression: str
    key: str
    reason: UnresolvedReason
    problem: str
    remedy: str
    where: str
    written: str = ""

    @property
    def is_cause(self) -> bool:
        """Whether something is wrong here, as against in a secret that this one needs."""
        return self.reason is not UnresolvedReason.BLOCKED

    @property
    def variable(self) -> str:
        """The environment variable that the operator does not allow; empty if another thing is wrong."""
        if self.reason is not UnresolvedReason.ENVIRONMENT:
            return ""
        return self.expression.removeprefix("${env:").removesuffix("}")

    def diagnostics(self) -> str:
        """The whole text: place, problem, remedy."""
        return Lines.of(f"{self.where}: {self.problem}", self.remedy, between="\n  ")


def told(causes: Iterable[Unresolved]) -> list[str]:
    """The text of each cause once, with the first place of it and the number of the others."""
    places: dict[tuple[str, str], dict[str, Unresolved]] = {}
    for one in causes:
        places.setdefault((one.problem, one.remedy), {}).setdefault(one.where, one)
    return [_told(list(found.values())) for found in places.values()]


def _told(found: list[Unresolved]) -> str:
    first, *others = found
    # All secrets of a circle say the same of it.
    if not others or first.reason is UnresolvedReason.CIRCULAR:
        return first.diagnostics()
    more = f" (the same in {len(others)} more place{'s' * (len(others) > 1)})"
    return first.model_copy(update={"problem": first.problem + more}).diagnostics()
