"""How much is in a repository beyond its text: values of included files and of aliases, as often as they are there."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.stacks.markers import Value

MOST_VALUES: Final = 2_000_000
"""Values that includes and aliases of a repository may give, each as often as it is there."""
MOST_STEPS: Final = 10_000_000
"""Steps of all yq expressions of a repository: some seconds."""
LONGEST_CHAIN: Final = 100
"""Files that import each other in a row."""
MOST_MERGES: Final = 10_000
"""Files that one manifest, or the configuration, imports, each as often as it is."""
CHARACTERS: Final = 100
"""Of a text, that count as one value more."""


class Sizes:
    """How many values are in a value; each list and mapping is looked into once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Value, int]] = {}  # with what they are of, so that its id stays its own

    def of(self, value: Value) -> int:
        """Values in it, what is shared as often as it is reached, and texts by their length."""
        if isinstance(value, str):
            return 1 + len(value) // CHARACTERS
        if not isinstance(value, dict | list):
            return 1
        known = self._known.get(id(value))
        if known is None:
            inner = value.values() if isinstance(value, dict) else value
            known = self._known[id(value)] = (value, 1 + sum(map(self.of, inner)))
        return known[1]


class Amounts:
    """Counts these values of one repository."""

    def __init__(self) -> None:
        self._sizes = Sizes()
        self._spent = 0
        self._steps = 0

    def spend(self, value: Value) -> None:
        """Count a value that is included once more.

        Raises:
            ValueError: if all are too many; the value is not counted then.
        """
        self.count(self._sizes.of(value))

    def count(self, size: int) -> None:
        """Count so many values more.

        Raises:
            ValueError: if all are too many; they are not counted then.
        """
        if self._spent + size > MOST_VALUES:
            message = (
                f"included files and aliases give more than {MOST_VALUES} values in this repository, "
                "each counted as often as it is there: include less often, or less at once"
            )
            raise ValueError(message)
        self._spent += size

    def step(self, steps: int) -> None:
        """Count steps that a yq expression took.

        Raises:
            ValueError: if all are too many.
        """
        self._steps += steps
        if self._steps > MOST_STEPS:
            message = (
                f"the yq expressions of this repository take more than {MOST_STEPS} steps, for each value on the way "
                "is one: choose less with them, or include smaller files"
            )
            raise ValueError(message)
