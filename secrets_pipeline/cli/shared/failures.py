"""Collect errors by stack and say them on stderr; one stack's error never hides another stack's result."""

from __future__ import annotations

import errno
import re
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from secrets_pipeline.cli.shared.console import say
from secrets_pipeline.engine.grouping import EXAMPLES, with_examples
from secrets_pipeline.errors import Lines, SecretsPipelineError, visible

FAILED = 1
_ALL = "; --format json has all"
_OF_A_KIND = 5
_OF_A_STACK = 200
"""Errors that are said; who wants more asks for JSON."""
_SPECIAL = re.compile(r"\S*[^a-z\s]\S*")
"""Words that may be names: errors that differ in these only are of one kind."""


class Failures:
    """Collects what went wrong, each said as it comes; of those of one cause in one stack the first, then how many.

    Attributes:
        texts: diagnostics by stack, `""` for what belongs to no stack; all of them.
    """

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self._said: set[str] = set()
        self._kinds: Counter[tuple[str, str]] = Counter()
        self._unsaid: Counter[str] = Counter()
        self._alike: dict[tuple[str, str], list[str]] = {}

    def add(self, stack: str, error: SecretsPipelineError, *, about: str = "") -> None:
        """Say an error, and remember it; one with the sentence of an earlier one is counted.

        Args:
            stack: whose it is.
            error: what went wrong.
            about: what it happened to; where it stands in the repository if not given.
        """
        text, cause = error.diagnostics(), (stack, error.sentence)
        if cause not in self._alike:
            self._alike[cause] = []
            self._remember(stack, text, _SPECIAL.sub("…", error.message))
            return
        self.texts.setdefault(stack, []).append(text)
        if text not in self._said:
            self._said.add(text)
            self._alike[cause].append(about or str(error.where or "") or error.message)

    def note(self, stack: str, text: str) -> None:
        """Say the text of an error, once, and remember it."""
        self._remember(stack, text, _SPECIAL.sub("…", text))

    def _remember(self, stack: str, said: str, kind: str) -> None:
        text = visible(said)
        self.texts.setdefault(stack, []).append(text)
        if text in self._said:
            return
        self._said.add(text)
        if self._kinds[stack, kind] == _OF_A_KIND or self._kinds[stack, ""] == _OF_A_STACK:
            self._unsaid[stack] += 1
            return
        self._kinds.update([(stack, kind), (stack, "")])
        say(Lines.of("error: ", text, between=""), style="red")

    @contextmanager
    def of(self, stack: str) -> Iterator[None]:
        """Catch and note errors inside the block as those of one stack."""
        try:
            yield
        except SecretsPipelineError as error:
            self.add(stack, error)

    def exit(self) -> None:
        """Leave with exit code 1 if there was any, after how many were not said.

        Raises:
            typer.Exit: with exit code 1.
        """
        for (stack, sentence), others in self._alike.items():
            if others:
                also = f": also {with_examples(others)}{_hint(len(others))}"
                say(Lines.of(f"error: {_place(stack)}", sentence, also, between=""), style="red")
        for stack, count in self._unsaid.items():
            say(f"error: {_place(stack)}and {count:,} more like these{_ALL}", style="red")
        self._alike.clear()
        self._unsaid.clear()
        if self.texts:
            raise typer.Exit(FAILED)


def _place(stack: str) -> str:
    return f"stack {stack}: " if stack else ""


def _hint(count: int) -> str:
    return _ALL if count > EXAMPLES else ""


def unexpected(error: Exception) -> str | None:
    """Say where a foreign exception happened and its type: its text, and locals, may quote a secret value.

    Returns:
        What to print; None where typer says it.
    """
    if _known_to_typer(error):
        return None
    # Whoever raised an error of boto3's has imported boto3, which takes 0.3 s.
    faults = sys.modules.get("secrets_pipeline.aws.faults")
    known = faults.explained(error) if faults else None
    if known:
        return f"error: {known}"
    frames = "".join(traceback.format_tb(error.__traceback__)).splitlines()
    bug = f"unexpected {type(error).__name__}: this is a bug of secrets-pipeline, report it with these lines"
    return Lines.of(*frames, bug)


def _known_to_typer(error: Exception) -> bool:
    closed_pipe = isinstance(error, OSError) and error.errno == errno.EPIPE
    return closed_pipe or hasattr(error, "exit_code") or isinstance(error, (typer.Abort, EOFError))
