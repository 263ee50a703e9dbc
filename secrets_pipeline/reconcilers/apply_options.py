"""What only an operator may ask for: things are adopted by their names, and pruned when that is said."""

from __future__ import annotations

import fnmatch
import shlex
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """What only an operator may ask for.

    Attributes:
        adopt: globs on names of what is taken over although it carries no mark of ours, or that of a stack which has
            left it or of another repository: secrets, databases, rotation functions, aliases of keys, parts of the way
            of events, `/secrets-pipeline/<stack>` for the stack's parameters.
        prune: delete, with the recovery window, what left the YAML.
        deep: also read what a list does not show and a mark vouches for: policies, key policies, replicas, consumers.
    """

    adopt: tuple[str, ...] = ()
    prune: bool = False
    deep: bool = False

    def adopts(self, name: str) -> bool:
        """Whether what bears that name is to be taken over."""
        return any(fnmatch.fnmatchcase(name, glob) for glob in self.adopt)


def adoption(stack: str, name: str) -> str:
    """The command that takes one thing over, for the text that refuses it without."""
    return f"`apply -s {shlex.quote(stack)} --adopt {shlex.quote(name)}`"
