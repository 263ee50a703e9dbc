"""Limit how many values includes, aliases and merging make of a repository."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from secrets_pipeline.errors import StackError
from secrets_pipeline.golang.values import Value

MOST_VALUES: Final = 2_000_000
"""Values that includes and aliases of a repository may give, each as often as it is there."""
MOST_STEPS: Final = 10_000_000
"""Steps of all yq expressions of a repository: some seconds."""
MOST_HCL: Final = 250_000
"""Characters of all HCL files that a repository includes: each takes up to 40 microseconds, and a kilobyte."""
MOST_MADE: Final = 50_000_000
"""Values that merging and rendering make in a repository, beyond `FREE` of each manifest and stack: half a minute."""
MOST_OF_ONE: Final = 2_000_000
"""The same of one manifest or stack."""
FREE: Final = 20_000
"""Values that a manifest or stack may make, or include, when all is spent, and that do not count: a hundredth of a
second."""
FREE_STEPS: Final = 100_000
"""The same of steps of yq expressions: some hundredths of a second."""
FREE_HCL: Final = 10_000
"""The same of characters of HCL files, which are read once each: half a second."""
RENDERED: Final = 10
"""Values that one counts as where it is rendered: written as text, and read again."""
COPIED: Final = 16
"""Values that count as one where they are copied together, without a look at each."""
READ: Final = 4
"""Characters of a text read again that count as one value."""
LONGEST_CHAIN: Final = 100
"""Files that import each other in a row."""
MOST_MERGES: Final = 10_000
"""Files that one manifest, or the configuration, imports, each as often as it is."""
CHARACTERS: Final = 100
"""Of a text, that count as one value more."""
_SCALARS: Final = frozenset({int, bool, float, type(None)})


class Sizes:
    """How many values are in a value; each list and mapping is looked into once.

    Attributes:
        walked: values that were looked at.
    """

    def __init__(self) -> None:
        self.walked = 0
        self._known: dict[int, tuple[Value, int]] = {}  # with what they are of, so that its id stays its own

    def of(self, value: Value) -> int:
        """Values in it, what is shared as often as it is reached; texts and keys by their length."""
        if isinstance(value, str):
            return 1 + len(value) // CHARACTERS
        if not isinstance(value, dict | list):
            return 1
        known = self._known.get(id(value))
        if known is None:
            self.walked += len(value)
            known = self._known[id(value)] = (value, self._inside(value))
        return known[1]

    def _inside(self, value: dict[str, Value] | list[Value]) -> int:
        size = 1
        if isinstance(value, dict):
            size += sum(map(len, value)) // CHARACTERS
        for one in value.values() if isinstance(value, dict) else value:
            kind = type(one)
            if kind is str:
                size += 1 + len(one) // CHARACTERS
            else:
                size += 1 if kind in _SCALARS else self.of(one)
        return size


class TooMuch(StackError):
    """A manifest or stack makes more than it may."""


class _Making:
    """What one manifest or stack makes, the most that it may, and whether that is what the others left."""

    __slots__ = ("left_over", "made", "most")

    def __init__(self, most: int, *, left_over: bool) -> None:
        self.made = 0
        self.most = most
        self.left_over = left_over


_MAKING: Final[ContextVar[_Making | None]] = ContextVar("making", default=None)


def make(size: int) -> None:
    """Count values before they are made, if they are made in `Amounts.of`.

    Raises:
        TooMuch: if they are too many.
    """
    making = _MAKING.get()
    if making is None:
        return
    making.made += size
    if making.made > making.most:
        most, where = (MOST_MADE, "in this repository, up to here,") if making.left_over else (MOST_OF_ONE, "here")
        raise TooMuch(
            f"more than {most} values are made {where} of those that are written, each counted as often as "
            "imports, inheritance, components and templates repeat it",
            remedy="Import each file once, and keep what is large away from what every component inherits.",
        )


class _Budget:
    """A limit for the whole repository, and the share that each manifest has when the limit is reached.

    Args:
        most: for the whole repository, beyond what is free.
        free: for each manifest.
    """

    def __init__(self, most: int, free: int) -> None:
        self._most = most
        self._free = free
        self._used: dict[Hashable, int] = {}
        self._shared = 0

    def left(self, what: Hashable) -> int:
        """How much a manifest may use yet."""
        return max(0, self._free - self._used.get(what, 0)) + self._most - self._shared

    def use(self, what: Hashable, size: int) -> None:
        """Count what a manifest uses."""
        self._shared += self._beyond(what, size)
        self._used[what] = self._used.get(what, 0) + size

    def _beyond(self, what: Hashable, size: int) -> int:
        """How much of it comes out of what all manifests share."""
        used = self._used.get(what, 0)
        return max(0, used + size - self._free) - max(0, used - self._free)


class Amounts:
    """Counts these values of one repository.

    A manifest that uses all that there is leaves to each other one what is free, so it stops no other stack.
    """

    def __init__(self) -> None:
        self._sizes = Sizes()
        self._made: dict[Hashable, int] = {}
        self._all_made = 0
        self._refused: dict[Hashable, bool] = {}
        self._whose: Hashable = None
        self._values = _Budget(MOST_VALUES, FREE)
        self._steps = _Budget(MOST_STEPS, FREE_STEPS)
        self._hcl = _Budget(MOST_HCL, FREE_HCL)

    @contextmanager
    def of(self, what: Hashable) -> Iterator[None]:
        """Count what is made and included meanwhile as that of a manifest or stack.

        What is made again counts once, and what was too much stays too much.
        """
        before = self._made.get(what, 0)
        left = MOST_MADE - self._all_made + before
        most = 0 if what in self._refused else FREE + max(0, min(MOST_OF_ONE, left))
        making = _Making(most, left_over=self._refused.get(what, left < MOST_OF_ONE))
        outer, around = _MAKING.set(making), self._whose
        self._whose = what
        try:
            yield
        finally:
            _MAKING.reset(outer)
            self._whose = around
            if making.made > making.most:
                self._refused[what] = making.left_over
            self._made[what] = max(before, min(making.made, making.most) - FREE)
            self._all_made += self._made[what] - before

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
        if size > self._values.left(self._whose):
            message = (
                f"included files and aliases give more than {MOST_VALUES} values in this repository, "
                "each counted as often as it is there: include less often, or less at once"
            )
            raise ValueError(message)
        self._values.use(self._whose, size)

    def steps_left(self) -> int:
        """Steps that the yq expressions of the manifest may take yet."""
        return self._steps.left(self._whose)

    def step(self, steps: int) -> None:
        """Count steps that a yq expression took.

        Raises:
            ValueError: if all are too many; those that are left are counted then.
        """
        left = self.steps_left()
        self._steps.use(self._whose, min(steps, left))
        if steps > left or not left:
            message = (
                f"the yq expressions of this repository take more than {MOST_STEPS} steps, for each value on the way "
                "is one: choose less with them, or include smaller files"
            )
            raise ValueError(message)

    def read_hcl(self, text: str) -> None:
        """Count an HCL file before it is read.

        Raises:
            ValueError: if all are too long; it is not counted then.
        """
        if len(text) > self._hcl.left(self._whose):
            message = (
                f"included HCL files have more than {MOST_HCL} characters in this repository: "
                "include fewer or smaller ones, or JSON"
            )
            raise ValueError(message)
        self._hcl.use(self._whose, len(text))
