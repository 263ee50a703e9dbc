"""Look up condition keys of caller, target and request for one evaluation, each only when a policy asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from secrets_pipeline.access.evaluator.vocabulary import Context, Values


class UnknownValue:
    """The value of a key that nobody can know from outside the request."""


UNKNOWN: Final = UnknownValue()


class RequestContext:
    """Condition keys of one request.

    Args:
        contexts: the first that has a key wins.

    Attributes:
        asked: keys that some policy asked for; what was never asked for cannot have mattered.
    """

    __slots__ = ("_contexts", "asked")

    def __init__(self, *contexts: Context) -> None:
        self._contexts = contexts
        self.asked: set[str] = set()

    def get(self, key: str) -> Values | UnknownValue | None:
        """The values of a key in lower case; None where the request has no such key."""
        self.asked.add(key)
        for context in self._contexts:
            values = context.values.get(key)
            if values is not None:
                return values
        for context in self._contexts:
            if key in context.unknown or key.startswith(context.unknown_prefixes):
                return UNKNOWN
        return None
