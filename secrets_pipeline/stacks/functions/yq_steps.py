"""Perform the parts of a yq expression and count their steps; `yq.py` reads the expression."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.printing import as_text
from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks.amounts import CHARACTERS, Sizes

MOST_STEPS: Final = 1_000_000
"""Steps of one expression: every value that a part of it takes, gives or looks at in lists and mappings."""

Step: TypeAlias = Callable[[Value], Iterator[Value]]
"""A part of an expression: one value in, any number out."""


class YqError(ValueError):
    """An expression is not understood, or does not fit the value."""


class Steps:
    """Counts the steps of one expression, those too that give nothing in the end.

    Args:
        most: it may take no more.

    Attributes:
        taken: so far.
    """

    def __init__(self, most: int = MOST_STEPS) -> None:
        self.taken = 0
        self._most = min(most, MOST_STEPS)
        self._sizes = Sizes()

    def count(self, steps: int = 1) -> None:
        """Count steps before they are taken.

        Raises:
            YqError: if they are too many.
        """
        self.taken += steps
        if self.taken > self._most:
            message = (
                f"takes more than {self._most} steps, for each value on the way is one: "
                "choose with paths or select() before you compare or join, or include a smaller file"
            )
            raise YqError(message)

    def size(self, value: Value) -> int:
        """Values in it, see `Sizes`; those are counted that are looked at for the first time.

        Raises:
            YqError: if they are too many.
        """
        before = self._sizes.walked
        size = self._sizes.of(value)
        self.count(self._sizes.walked - before)
        return size


def constant(constant: Value) -> Step:
    """A step that gives one value, whatever it takes."""
    return lambda _value: iter([constant])


def one(function: Callable[[Value], Value]) -> Step:
    """A step that gives one value for each."""
    return lambda value: iter([function(value)])


def chain(count: Steps, steps: list[Step]) -> Step:
    """Steps one after the other, each with every value that the one before gives."""

    def chained(value: Value) -> Iterator[Value]:
        values = [value]
        for step in steps:
            values = list(_results(count, step, values))
        return iter(values)

    return chained


def _results(count: Steps, step: Step, values: list[Value]) -> Iterator[Value]:
    for value in values:
        count.count()
        for result in step(value):
            count.count()
            yield result


def each(value: Value) -> Iterator[Value]:
    """`[]`: the values of a list or a mapping."""
    if isinstance(value, dict):
        return iter(list(value.values()))
    return iter(value if isinstance(value, list) else [])


def index(key: str | int) -> Callable[[Value], Value]:
    """`.name`, `[0]`: what is there, `None` for what is not."""

    def indexed(value: Value) -> Value:
        if isinstance(value, dict):
            return value.get(str(key))
        if not isinstance(value, list):
            return None
        if isinstance(key, str):
            raise YqError("cannot index a list with a text")
        if key < -len(value):
            raise YqError(f"has an index {key} out of range: the list has {len(value)} items")
        return value[key] if key < len(value) else None

    return indexed


def length(value: Value) -> int:
    """How many values are in it, or characters of its text."""
    return 0 if value is None else len(value) if isinstance(value, dict | list) else len(as_text(value))


def keys(count: Steps) -> Callable[[Value], list[Value]]:
    """`keys`: the keys of a mapping, the places of a list."""

    def keys(value: Value) -> list[Value]:
        if not isinstance(value, dict | list):
            raise YqError("asks for the keys of what is neither a mapping nor a list")
        count.count(len(value))
        return list(value) if isinstance(value, dict) else list(range(len(value)))

    return keys


def compared(count: Steps, left: Step, right: Step, *, equal: bool) -> Step:
    """`==`, `!=`: each value on the left with each on the right."""

    def compared(value: Value) -> Iterator[Value]:
        for one in left(value):
            for other in right(value):
                if isinstance(one, str | dict | list) and type(one) is type(other):
                    count.count(min(count.size(one), count.size(other)))
                yield _same(one, other) is equal

    return compared


def _same(one: Value, other: Value) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def or_else(count: Steps, left: Step, right: Step) -> Step:
    """`//`: what the left side gives that is neither null nor false, else the right side."""

    def chosen(value: Value) -> Iterator[Value]:
        found = [result for result in left(value) if result is not None and result is not False]
        count.count(len(found))
        return iter(found) if found else right(value)

    return chosen


def selected(condition: Step) -> Step:
    """`select(…)`: the value itself, where the condition gives something that is neither null nor false."""

    def selected(value: Value) -> Iterator[Value]:
        return iter([value] if any(found is not None and found is not False for found in condition(value)) else [])

    return selected


def joined(count: Steps, separator: Step) -> Step:
    """`join(…)`: one text of the texts of a list."""

    def joined(value: Value) -> Iterator[Value]:
        between = next(separator(value), None)
        if not isinstance(value, list) or not isinstance(between, str):
            raise YqError("joins what is not a list, or with what is not text")
        texts = []
        for item in value:
            count.count(count.size(item))
            texts.append("" if item is None else _text(item))
        count.count(len(between) * len(texts) // CHARACTERS)
        return iter([between.join(texts)])

    return joined


def _text(value: Value) -> str:
    try:
        return as_text(value)
    except FunctionFailure as failure:
        message = f"joins too much: {failure}"
        raise YqError(message) from None
