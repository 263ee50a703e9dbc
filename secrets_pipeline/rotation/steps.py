"""Name the steps of a rotation, and who watches them.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias


class RotationStep(StrEnum):
    """A step, named as Secrets Manager names it in the event that it invokes the function with."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"


Watch: TypeAlias = Callable[[str, RotationStep], None]
"""Told the secret's name and a step once that step is done; a step that nobody saw is skipped."""


def unwatched(_secret: str, _step: RotationStep) -> None:
    """A `Watch` that does nothing."""
