"""Define an entry of the runbook: what a red check, an alert or a finding of `health` means, and what to do."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

_STACK: Final = "STACK"
_TO_ENTRY: Final = re.compile(r"\[([^\]]+)\]\(#[^)]+\)")


class Subject(Enum):
    """What an entry is about."""

    CHECK = "check"
    ALERT = "alert"
    HEALTH = "health"


@dataclass(frozen=True, slots=True)
class Entry:
    """One check, alert or finding of `health`, in Markdown; `STACK` stands for the stack.

    Other words in capitals stand for what is named.

    Attributes:
        subject: whether it is a check's, an alert's or a finding's.
        name: of the check, the cause of the alert, for example `run-failed`, or what `health` calls it.
        means: what is so when it is red, or said.
        look: what to look at first.
        do: what to do, as a list.
        warns: what a warning of the check means; empty where it has none.
    """

    subject: Subject
    name: str
    means: str
    look: str
    do: str
    warns: str = ""

    def what_to_do(self, stack: str | None = None) -> str:
        """Return what to look at and what to do, as a paragraph and a list of Markdown.

        Args:
            stack: name that stands in the commands, of a text for elsewhere than the runbook: it has no links to other
                entries. None for the runbook itself.
        """
        text = f"{self.look}\n\n{self.do}"
        return text if stack is None else _TO_ENTRY.sub(r"\1", text).replace(_STACK, stack)


def check(name: str, *, means: str, look: str, do: str, warns: str = "") -> Entry:
    """Write the entry of a check; indentation of the texts does not count."""
    return Entry(Subject.CHECK, name, *map(inspect.cleandoc, (means, look, do, warns)))


def alert(cause: str, *, means: str, look: str, do: str) -> Entry:
    """Write the entry of an alert; indentation of the texts does not count."""
    return Entry(Subject.ALERT, cause, *map(inspect.cleandoc, (means, look, do)))


def health(name: str, *, means: str, look: str, do: str) -> Entry:
    """Write the entry of a finding of `secrets-pipeline health`; indentation of the texts does not count."""
    return Entry(Subject.HEALTH, name, *map(inspect.cleandoc, (means, look, do)))
