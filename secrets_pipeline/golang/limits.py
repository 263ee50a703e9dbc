"""Limit what one rendering may cost: a template from a repository must not hang or fill the memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure, TemplateError
from secrets_pipeline.golang.values import Value

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

MAX_COST: Final = 5_000_000
"""What all renderings of a repository may cost, see `Spending`: a step is a microsecond or some at the worst."""

FREE_COST: Final = 1_000
"""Cost of a rendering that does not count, beside the length of its template."""

MAX_TEMPLATE_DEPTH: Final = 100
"""Templates that call templates. Go allows 100,000; Python's own stack ends earlier."""

MAX_NESTING: Final = 100
"""Blocks and parentheses within each other."""

_UNIT: Final = 100  # characters that a function returns and that are a step
_TAKEN_CHARACTERS: Final = 20  # the same of a text that it takes: it may look at each
_SEEN_CHARACTERS: Final = 8  # the same where each is looked at by itself
_TAKEN_ELEMENTS: Final = 10  # of a list or map that it takes: most functions copy it; what looks at each says so


def require_template(length: int) -> None:
    """Refuse a template that is too long.

    Args:
        length: in characters.

    Raises:
        TemplateError: if it is more than `MAX_TEMPLATE`.
    """
    if length > MAX_TEMPLATE:
        raise TemplateError(f"a template of more than {MAX_TEMPLATE} characters is not supported")


def require_written(value: Value) -> None:
    """Refuse a value that would be too long a template, before it is written as one.

    Raises:
        TemplateError: if its texts and elements alone are more characters than `MAX_TEMPLATE`.
    """
    length = 0
    for one in _reached(value):
        length += len(one) if isinstance(one, str) else 1
        if isinstance(one, Mapping):
            length += sum(map(len, one))
        require_template(length)


def require_length(length: int) -> None:
    """Refuse a text that would be too long, before it is made.

    Args:
        length: in characters.

    Raises:
        FunctionFailure: if it is more than `MAX_OUTPUT`.
    """
    if length > MAX_OUTPUT:
        raise FunctionFailure(f"a text of more than {MAX_OUTPUT} characters is not supported")


def spend(cost: int) -> None:
    """Count work of a function beyond its arguments and its result in the rendering that calls it, if one does.

    Args:
        cost: in steps of `Spending`.

    Raises:
        FunctionFailure: if it is too much for the repository.
    """
    budget = RENDERING.get()
    if budget is not None:
        budget.spend(cost)


def spend_on(text: str) -> None:
    """Count that each character of a text is looked at, beyond what taking it costs.

    Raises:
        FunctionFailure: if it is too much for the repository.
    """
    if len(text) >= _SEEN_CHARACTERS:
        spend(len(text) // _SEEN_CHARACTERS)


def require_printable(value: Value, each: int = 1, *, steps: int = 1) -> None:
    """Refuse lists and maps that are too large to print, as a few that hold each other many times over are.

    Their elements are spent.

    Args:
        value: what is to be printed.
        each: characters that every element takes at least.
        steps: what each element costs.

    Raises:
        FunctionFailure: if the text would be longer than `MAX_OUTPUT`, or of more than `MAX_STEPS` elements.
    """
    length = elements = 0
    for elements, one in enumerate(_reached(value), 1):
        length += max(each, len(one)) if isinstance(one, str) else each
        if isinstance(one, Mapping):
            length += sum(map(len, one))
        if elements > MAX_STEPS or length > MAX_OUTPUT:
            raise FunctionFailure(f"the text is longer than {MAX_OUTPUT} characters")
    spend(steps * (elements + length // _TAKEN_CHARACTERS))


def require_walkable(value: Value) -> None:
    """Refuse lists and maps that are too large to walk through, as a few that hold each other many times over are.

    Their elements are spent.

    Args:
        value: whose elements will be visited, each as often as it is reached.

    Raises:
        FunctionFailure: if they are more than `MAX_STEPS`.
    """
    elements = 0
    for elements, _ in enumerate(_reached(value), 1):
        if elements > MAX_STEPS:
            raise FunctionFailure(f"a value of more than {MAX_STEPS} elements is not supported")
    spend(elements)


def require_elements(count: int) -> None:
    """Refuse a list that would be too long, before it is made.

    Args:
        count: its elements.

    Raises:
        FunctionFailure: if they are more than `MAX_STEPS`.
    """
    if count > MAX_STEPS:
        raise FunctionFailure(f"a list of more than {MAX_STEPS} elements is not supported")


class Spending:
    """What the renderings of one repository may cost together, beyond what the length of each template pays for.

    A rendering costs its steps, the calls of functions, and what these return: an element, or 100 characters, is one.
    What they take costs as well, 10 elements or 20 characters one, and what some do with each element, character or
    byte of it as much as that is slow: see who calls `spend`.
    When all is spent, templates without long loops are still rendered.
    """

    def __init__(self, most: int = MAX_COST) -> None:
        self._left = most

    def budget(self, template: str) -> Budget:
        """The budget of one rendering."""
        return Budget(len(template) + FREE_COST, self._left)

    def settle(self, budget: Budget) -> None:
        """Count what a rendering has cost."""
        self._left -= max(0, budget.cost - budget.free)


class Budget:
    """What one rendering may cost, and what functions return in it: each result may be small, and yet all be kept.

    Attributes:
        cost: so far, see `Spending`.
        free: cost that does not count for the repository.
    """

    def __init__(self, free: int = FREE_COST, left: int = MAX_COST) -> None:
        self.cost = 0
        self.free = free
        self._most = free + max(0, left)
        self._elements = 0
        self._length = 0

    def spend(self, cost: int) -> None:
        """Count a cost.

        Raises:
            FunctionFailure: if it is too much for the repository.
        """
        self.cost += cost
        if self.cost > self._most:
            raise FunctionFailure(
                f"templates with a cost of more than {MAX_COST} steps in one repository are not supported: "
                "loop less, or over smaller lists and texts"
            )

    def take(self, arguments: Sequence[Value]) -> None:
        """Count what a function is called with.

        Raises:
            FunctionFailure: if it is too much for the repository.
        """
        cost = 0
        for argument in arguments:
            if isinstance(argument, str):
                cost += len(argument) // _TAKEN_CHARACTERS
            elif isinstance(argument, Mapping | list | tuple):
                cost += len(argument) // _TAKEN_ELEMENTS
        if cost:
            self.spend(cost)

    def charge(self, result: Value) -> None:
        """Count a result of a function.

        Raises:
            FunctionFailure: if it or all of them are too much.
        """
        cost = 1
        if isinstance(result, str):
            require_length(len(result))
            self._length += len(result)
            cost += len(result) // _UNIT
        elif isinstance(result, Mapping | list | tuple):
            require_elements(len(result))
            self._elements += len(result)
            cost += len(result)
        self.spend(cost)
        if self._length > MAX_TEXTS or self._elements > MAX_ELEMENTS:
            raise FunctionFailure("what the functions of this template return is more than is supported")


RENDERING: Final[ContextVar[Budget | None]] = ContextVar("rendering", default=None)
"""The budget of the rendering that is going on."""


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
