"""Define the one error of this function: what is wrong, and what a human does next; never a value of a secret."""

from __future__ import annotations


class RotationError(Exception):
    """A step of the rotation cannot be taken.

    Lambda writes its text to the function's log, and Secrets Manager attempts the rotation again.

    Args:
        problem: one sentence.
        remedy: what to do about it.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem} {remedy}".strip())
