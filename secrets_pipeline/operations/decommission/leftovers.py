"""Restrict a run to what is not declared any more, and of that to what the operator names."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.engine.model import Change, ChangeClass
from secrets_pipeline.engine.reason import LeftOut

OF_THE_ACCOUNT: Final = frozenset({"consumer_policies", "rotation_functions"})
"""Stages that delete what belongs to the whole account: a stack that moved to another region may still need it."""
_LEFT: Final = (ChangeClass.ORPHAN, ChangeClass.PRUNE)


@dataclass(frozen=True)
class Leftovers:
    """What is not declared any more; an `engine.only.Only`.

    Attributes:
        names: globs on names of what is pruned, as a plan shows them; none for all.
        blocked: whether what cannot be proven ours is shown as well.
        but: stages that are left out.
    """

    names: Sequence[str] = ()
    blocked: bool = False
    but: Collection[str] = frozenset()

    def refusal(self, stage: str, change: Change) -> LeftOut | None:
        """Refuse what is declared, and what is not named; see `Only`."""
        if stage in self.but:
            return LeftOut("belongs to the account", "the stack uses it where it lives now")
        left = change.action in _LEFT or change.keeps or (self.blocked and change.action is ChangeClass.BLOCKED)
        if not left:
            return LeftOut("left out, as only what is not declared any more is pruned")
        name = change.resource.name
        if self.names and not any(fnmatch.fnmatchcase(name, glob) for glob in self.names):
            return LeftOut("left out, as --prune names others")
        return None
