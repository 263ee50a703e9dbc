"""Define the warning about a stack that any manifest can join: the operator does not say which are part of it."""

from __future__ import annotations

from secrets_pipeline.desired.base import Spec
from secrets_pipeline.engine.grouping import with_examples


class UnguardedManifests(Spec):
    """The top-level manifests of a stack that has several, although no rule of the operator lists them.

    A manifest chooses its stack's name, so an author who must not read the stack's secrets can join it.

    Attributes:
        stack: its name.
        manifests: relative to the base path, sorted.
    """

    stack: str
    manifests: tuple[str, ...]

    @property
    def problem(self) -> str:
        """Return the problem."""
        return (
            f"any manifest can make itself part of stack {self.stack} and use the values of its secrets; these do: "
            f"{with_examples(self.manifests)}"
        )

    @property
    def remedy(self) -> str:
        """Return the remedy."""
        return (
            "Look whether each belongs to it. Then list them under `manifests` of its rule under `targets` in the "
            "operator's settings: `secrets-pipeline init` prints that rule."
        )

    def __str__(self) -> str:
        return f"{self.problem}. {self.remedy}"
