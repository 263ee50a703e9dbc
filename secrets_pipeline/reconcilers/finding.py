"""Define what a check finds of one resource: its verdict, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from secrets_pipeline.errors import SecretsPipelineError


class Verdict(Enum):
    """What was found."""

    RIGHT = "right"
    ADVISED = "advised"
    """As the stack declares it, and a control asks for something better."""
    WAITING = "waiting"
    """Nobody knows yet, or something else comes first."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One resource, judged.

    Attributes:
        name: of the resource.
        verdict: what was found.
        detail: why; never a value.
        columns: further columns of the check's table.
    """

    name: str
    verdict: Verdict
    detail: str
    columns: Mapping[str, str] = field(default_factory=dict)


def judged(name: str, judge: Callable[[], Finding]) -> Finding:
    """Judge one thing; an error of it becomes its finding, and never hides the others."""
    try:
        return judge()
    except SecretsPipelineError as error:
        return Finding(name, Verdict.WRONG, error.message)
