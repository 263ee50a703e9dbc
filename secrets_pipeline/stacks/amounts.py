"""How much the values of included files are, counted as often as something will walk through them."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.stacks.markers import Value

MOST_INCLUDED: Final = 2_000_000
"""Values that all includes of a repository may give, each file's as often as it is included."""
_UNIT: Final = 100  # characters of a text that count as one value more


class Amounts:
    """Counts the included values of one repository; those it is given must be kept by who gives them."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}
        self._spent = 0

    def spend(self, value: Value) -> None:
        """Count a value that is included once more.

        Raises:
            ValueError: if all are too many; the value is not counted then.
        """
        size = self._size(value)
        if self._spent + size > MOST_INCLUDED:
            message = (
                f"included files give more than {MOST_INCLUDED} values in this repository, "
                "each counted as often as it is included: include less often, or less at once"
            )
            raise ValueError(message)
        self._spent += size

    def _size(self, value: Value) -> int:
        """Values in it, what is shared as often as it is reached; each list and mapping is looked into once."""
        if isinstance(value, str):
            return 1 + len(value) // _UNIT
        if not isinstance(value, dict | list):
            return 1
        size = self._sizes.get(id(value))
        if size is None:
            size = 1 + sum(map(self._size, value.values() if isinstance(value, dict) else value))
            self._sizes[id(value)] = size
        return size
