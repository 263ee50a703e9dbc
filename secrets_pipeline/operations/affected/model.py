"""Define what a comparison with another commit gives: the stacks that differ, and where. Names only, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class How(StrEnum):
    """How something is otherwise than it was."""

    DIFFERS = "differs"
    NEW = "is new"
    LEFT = "left"
    BROKEN = "has errors"
    WAS_BROKEN = "had errors there, so that nobody can compare it"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a stack counts as affected.

    Attributes:
        what: what is otherwise, for example `secretsmanager/app vars.secrets.token`; empty for the stack itself.
        how: how it is.
    """

    what: str
    how: How

    def __str__(self) -> str:
        return f"{self.what or 'the stack'} {self.how}"


@dataclass(frozen=True, slots=True)
class Affected:
    """The stacks that are otherwise than at a commit.

    Attributes:
        stacks: reasons by stack, in alphabetical order.
        gone: stacks that declared something there and declare nothing now.
        compared: how many stacks there are now.
        base: id of the commit.
        named: what it was found by: the commit, branch or tag that it is the merge base with.
        unreadable: errors of the commit's repository that belong to no stack, each a text.
    """

    stacks: Mapping[str, tuple[Reason, ...]]
    gone: tuple[str, ...]
    compared: int
    base: str = ""
    named: str = ""
    unreadable: tuple[str, ...] = ()
