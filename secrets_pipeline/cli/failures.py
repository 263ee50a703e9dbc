"""Errors on stderr. One stack's error never hides another stack's result."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from secrets_pipeline.aws import explained
from secrets_pipeline.cli.console import say
from secrets_pipeline.errors import SecretsPipelineError

FAILED = 1
_USAGE = 2


class Failures:
    """What went wrong so far, each said as it comes.

    Attributes:
        texts: diagnostics by stack, `""` for what belongs to no stack.
    """

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}

    def add(self, stack: str, error: SecretsPipelineError) -> None:
        """Say an error, and remember it."""
        self.note(stack, error.diagnostics())

    def note(self, stack: str, text: str) -> None:
        """Say the text of an error, once, and remember it."""
        said = any(text in texts for texts in self.texts.values())
        self.texts.setdefault(stack, []).append(text)
        if not said:
            say(f"error: {text}", style="red")

    @contextmanager
    def of(self, stack: str) -> Iterator[None]:
        """Errors inside belong to that stack, and end there."""
        try:
            yield
        except SecretsPipelineError as error:
            self.add(stack, error)

    def exit(self) -> None:
        """Leave with exit code 1 if there was any.

        Raises:
            typer.Exit: with exit code 1.
        """
        if self.texts:
            raise typer.Exit(FAILED)


class Commands(TyperGroup):
    """The root command: every error becomes text on stderr and exit code 1.

    Exit code 2 means "there are changes", so a mistyped option must not give it, as it does by default.
    """

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - typer's own types are private
        """Parse the arguments."""
        with _usage_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own types are private
        """Run the command."""
        with _usage_errors():
            try:
                return super().invoke(ctx)
            except SecretsPipelineError as error:
                say(f"error: {error.diagnostics()}", style="red")
            except Exception as error:
                if _known_to_typer(error):
                    raise
                say(_unexpected(error), style="red")
        raise typer.Exit(FAILED)


@contextmanager
def _usage_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not isinstance(error, typer.Exit) and getattr(error, "exit_code", None) == _USAGE:
            error.exit_code = FAILED  # type: ignore[attr-defined] # typer's UsageError, whose class is private
        raise


def _known_to_typer(error: Exception) -> bool:
    closed_pipe = isinstance(error, OSError) and error.errno == errno.EPIPE
    return closed_pipe or hasattr(error, "exit_code") or isinstance(error, (typer.Abort, EOFError))


def _unexpected(error: Exception) -> str:
    """Where it happened and its type: the text of a foreign exception, and locals, may quote a secret value."""
    known = explained(error)
    if known:
        return f"error: {known}"
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{frames}unexpected {type(error).__name__}: this is a bug of secrets-pipeline, report it with these lines"
