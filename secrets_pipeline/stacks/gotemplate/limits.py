"""What one rendering may cost: a template from a repository must not hang or fill the memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from secrets_pipeline.stacks.gotemplate.failure import FunctionFailure
from secrets_pipeline.stacks.gotemplate.values import Value

MAX_OUTPUT: Final = 16 * 2**20
"""Characters of a rendered template, and of a string that a function returns."""

MAX_TEMPLATE: Final = 2**20
"""Characters of a template."""

MAX_STEPS: Final = 1_000_000
"""Texts and actions that are executed, each as often as it is, and iterations of loops; elements of one value."""

MAX_ELEMENTS: Final = 4 * MAX_STEPS
"""Elements of all lists and maps that functions return in one rendering."""

MAX_TEXTS: Final = 16 * MAX_OUTPUT
"""Characters of all texts that functions return in one rendering."""

MAX_TEMPLATE_DEPTH: Final = 100
"""Templates that call templates. Go allows 100,000; Python's own stack ends earlier."""

MAX_NESTING: Final = 100
"""Blocks and parentheses within each other."""


def require_length(length: int) -> None:
    """Refuse a text that would be too long, before it is made.

    Args:
        length: in characters.

    Raises:
        FunctionFailure: if it is more than `MAX_OUTPUT`.
    """
    if length > MAX_OUTPUT:
        raise FunctionFailure(f"a text of more than {MAX_OUTPUT} characters is not supported")


def require_printable(value: Value, each: int = 1) -> None:
    """Refuse lists and maps that are too large to print, as a few that hold each other many times over are.

    Args:
        value: what is to be printed.
        each: characters that every element takes at least.

    Raises:
        FunctionFailure: if the text would be longer than `MAX_OUTPUT`, or of more than `MAX_STEPS` elements.
    """
    length = 0
    for elements, one in enumerate(_reached(value), 1):
        length += max(each, len(one)) if isinstance(one, str) else each
        if elements > MAX_STEPS or length > MAX_OUTPUT:
            raise FunctionFailure(f"the text is longer than {MAX_OUTPUT} characters")


def require_walkable(value: Value) -> None:
    """Refuse lists and maps that are too large to walk through, as a few that hold each other many times over are.

    Args:
        value: whose elements will be visited, each as often as it is reached.

    Raises:
        FunctionFailure: if they are more than `MAX_STEPS`.
    """
    for elements, _ in enumerate(_reached(value), 1):
        if elements > MAX_STEPS:
            raise FunctionFailure(f"a value of more than {MAX_STEPS} elements is not supported")


def require_elements(count: int) -> None:
    """Refuse a list that would be too long, before it is made.

    Args:
        count: its elements.

    Raises:
        FunctionFailure: if they are more than `MAX_STEPS`.
    """
    if count > MAX_STEPS:
        raise FunctionFailure(f"a list of more than {MAX_STEPS} elements is not supported")


class Budget:
    """What functions return in one rendering, together: each result alone may be small, and yet all be kept."""

    def __init__(self) -> None:
        self._elements = 0
        self._length = 0

    def charge(self, result: Value) -> None:
        """Count a result of a function.

        Raises:
            FunctionFailure: if it or all of them are too much.
        """
        if isinstance(result, str):
            require_length(len(result))
            self._length += len(result)
        elif isinstance(result, Mapping | list | tuple):
            require_elements(len(result))
            self._elements += len(result)
        if self._length > MAX_TEXTS or self._elements > MAX_ELEMENTS:
            raise FunctionFailure("what the functions of this template return is more than is supported")


def _reached(value: Value) -> Iterator[Value]:
    """The value and all that is in it, what is shared as often as it is reached."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, Mapping):
            waiting += one.values()
        elif isinstance(one, list | tuple):
            waiting += one
