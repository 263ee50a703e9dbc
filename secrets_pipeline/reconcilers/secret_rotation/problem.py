"""Define what a preflight of rotation finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from secrets_pipeline.engine.reason import Because, Reason
from secrets_pipeline.errors import RotationPreflightError


class Requirement(StrEnum):
    """What a rotation needs."""

    FUNCTION = "function"
    INVOCATION = "invocation"
    ROLE = "role"
    VALUE = "value"
    HOST = "host"
    WRITER = "writer"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a rotation would fail, or could not be checked.

    Attributes:
        requirement: what is missing.
        text: what is wrong; never a secret value.
        remedy: what a human does next.
        known: whether it is certain; what could not be looked at blocks nothing.
    """

    requirement: Requirement
    text: str
    remedy: str = ""
    known: bool = True


def refuse(name: str, problems: tuple[Problem, ...]) -> None:
    """Raise before a rotation that would fail.

    Args:
        name: of the secret.
        problems: what was found.

    Raises:
        RotationPreflightError: if any of them is certain.
    """
    certain = [one for one in problems if one.known]
    if certain:
        raise RotationPreflightError(
            f"{name} would not rotate: {'; '.join(one.text for one in certain)}",
            remedy=" ".join(dict.fromkeys(one.remedy for one in certain if one.remedy)),
        )


def unchecked(problems: tuple[Problem, ...]) -> tuple[Reason, ...]:
    """Say what could not be looked at, for a human."""
    return tuple(Because(f"not checked: {one.text}") for one in problems if not one.known)
