"""The question before a write, on a real terminal."""

from __future__ import annotations

import os
import pty
import re
import select
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
import typer

from secrets_pipeline.cli.shared.confirmation import asks, confirm

_PATIENCE = 10.0
"""Seconds without another piece."""


@dataclass(frozen=True)
class Terminal:
    """The other side of a terminal: what a human types and sees."""

    descriptor: int

    def types(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def sees(self, *texts: str) -> bool:
        """Whether texts come to be seen, in this order; what is written arrives piece by piece."""
        seen = b""
        while select.select([self.descriptor], [], [], _PATIENCE)[0]:
            seen += os.read(self.descriptor, 65536)
            if re.search(".*".join(map(re.escape, texts)), seen.decode(errors="ignore"), re.DOTALL):
                return True
        return False


@contextmanager
def terminal() -> Iterator[Terminal]:
    """A terminal as standard input and standard error."""
    ours, theirs = pty.openpty()
    with ExitStack() as opened, pytest.MonkeyPatch.context() as patch:
        opened.callback(os.close, ours)
        patch.setattr("sys.stdin", opened.enter_context(os.fdopen(os.dup(theirs), "r")))
        patch.setattr("sys.stderr", opened.enter_context(os.fdopen(theirs, "w")))
        yield Terminal(ours)


def test_a_terminal_is_asked_unless_it_says_yes_beforehand() -> None:
    with terminal():
        assert asks(yes=False)
        assert not asks(yes=True)


@pytest.mark.parametrize("stream", ["stdin", "stderr"])
def test_what_is_no_terminal_is_never_asked(monkeypatch: pytest.MonkeyPatch, stream: str) -> None:
    with terminal(), open(os.devnull, "r+") as nothing:  # noqa: PTH123 - a stream, as the shell opens it
        monkeypatch.setattr(f"sys.{stream}", nothing)
        assert not asks(yes=False)


def test_the_word_goes_on_after_what_is_taken_away_was_said() -> None:
    with terminal() as human:
        human.types("yes\n")
        confirm("Apply 3 changes to 1 stack?", ["secret a is deleted"])
        assert human.sees("secret a is deleted", "Apply 3 changes to 1 stack? Only `yes` goes on:")


@pytest.mark.parametrize("answer", ["no\n", "y\n", "YES\n", "\n", "\x04"])
def test_every_other_answer_ends_the_command_and_says_that_nothing_was_written(answer: str) -> None:
    with terminal() as human:
        human.types(answer)
        with pytest.raises(typer.Exit) as raised:
            confirm("Apply 3 changes to 1 stack?")
        assert raised.value.exit_code == 1
        assert human.sees("Nothing was written.")
