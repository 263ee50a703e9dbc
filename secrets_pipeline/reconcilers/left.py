"""Decide about what is ours and not declared any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.engine.reason import Because, Reason

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

UNREAD: Final = Because("is not pruned while a stack or an import cannot be read")
"""What is not read may declare it."""


def left(stack: Stack, reason: Reason) -> tuple[ChangeClass, tuple[Reason, ...]]:
    """Delete it only with --prune, and only if all YAML is read; `reason` says why it is not needed any more."""
    if not stack.run.options.prune:
        return ChangeClass.ORPHAN, (reason,)
    if not stack.ownership.repository.is_complete:
        return ChangeClass.BLOCKED, (UNREAD,)
    return ChangeClass.PRUNE, (reason,)
