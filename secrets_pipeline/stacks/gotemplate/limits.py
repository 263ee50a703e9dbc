"""What one rendering may cost: a template from a repository must not hang or fill the memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.stacks.gotemplate.failure import FunctionFailure
from secrets_pipeline.stacks.gotemplate.values import Value

MAX_OUTPUT: Final = 16 * 2**20
"""Characters of a rendered template, and of a string that a function returns."""

MAX_STEPS: Final = 1_000_000
"""Texts and actions that are executed, each as often as it is, and iterations of loops."""

MAX_TEMPLATE_DEPTH: Final = 100
"""Templates that call templates. Go allows 100,000; Python's own stack ends earlier."""

MAX_NESTING: Final = 100
"""Blocks and parentheses within each other."""


def require_printable(value: Value, each: int = 1) -> None:
    """Refuse lists and maps that are too large to print, as a few that hold each other many times over are.

    Args:
        value: what is to be printed.
        each: characters that every element takes at least.

    Raises:
        FunctionFailure: if the text would be longer than `MAX_OUTPUT`, or of more than `MAX_STEPS` elements.
    """
    elements = length = 0
    waiting = [value]
    while waiting:
        one = waiting.pop()
        elements += 1
        length += max(each, len(one)) if isinstance(one, str) else each
        if elements > MAX_STEPS or length > MAX_OUTPUT:
            raise FunctionFailure(f"the text is longer than {MAX_OUTPUT} characters")
        if isinstance(one, Mapping):
            waiting += one.values()
        elif isinstance(one, list | tuple):
            waiting += one
