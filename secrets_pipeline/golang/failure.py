"""Define what can go wrong in a template, worded as Go words it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class FunctionFailure(Exception):
    """A function refuses its arguments; the template then fails with `error calling NAME: …`."""


def checked(parser: Callable[[str], Result], text: str) -> Result:
    """What a parser makes of a text.

    Raises:
        FunctionFailure: in the words of its `ValueError`.
    """
    try:
        return parser(text)
    except ValueError as error:
        raise FunctionFailure(str(error)) from None


class TemplateError(Exception):
    """A template cannot be parsed or executed.

    Attributes:
        message: Go's text without the template's name, for example `at <.vars.x>: map has no entry for key "x"`.
        line: line of the action, from 1; 0 if unknown.
        column: column of the action in that line, from 1; 0 if unknown.
    """

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        self.message = message
        self.line = line
        self.column = column
        super().__init__(message)


def error_at(message: str, text: str, position: int) -> TemplateError:
    """The error at a position (in characters, from 0) of a template's text."""
    before = text[:position]
    return TemplateError(message, before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
