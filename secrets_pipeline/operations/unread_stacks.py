"""Tell which stacks have errors, and what their YAML speaks of all the same."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from secrets_pipeline.errors import StackError
from secrets_pipeline.operations.open_repository import OpenRepository


def _unknown(_stack: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class UnreadStacks:
    """The stacks whose desired state is not known.

    Attributes:
        names: their names; `""` for errors that belong to no stack, behind which any number of stacks may be hidden.
        text: returns the resolved YAML of one, to be searched; None where not even that could be read.
    """

    names: frozenset[str] = frozenset()
    text: Callable[[str], str | None] = _unknown

    @classmethod
    def of(cls, desired: OpenRepository) -> UnreadStacks:
        """Take the stacks with errors of a repository."""

        def text(name: str) -> str | None:
            try:
                kinds = desired.source.stack(name).components.values()
            except StackError:
                return None
            return "\n".join(str(component.resolved) for kind in kinds for component in kind.values())

        return cls(frozenset(desired.errors), text)

    def mentioning(self, words: Collection[str]) -> tuple[str, ...]:
        """List those that may refer to one of these stacks or databases, sorted."""
        found = ((name, self.text(name)) for name in sorted(self.names))
        return tuple(name for name, text in found if text is None or any(word in text for word in words))


def named(stacks: Collection[str]) -> str:
    """Name stacks with errors for a human, in the order given."""
    return ", ".join(stack or "the repository" for stack in stacks) + " cannot be read"
