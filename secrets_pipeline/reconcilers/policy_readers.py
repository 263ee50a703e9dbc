"""Check that a declared policy lets in only whom the operator's grants name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from secrets_pipeline.desired.checks import reader_crossings

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def not_let_in(stack: Stack, statements: Sequence[Any]) -> str:
    """Say why a declared policy without references may not stand; empty if it may."""
    grants = stack.run.settings.grants
    return reader_crossings.not_let_in(statements, stack.account.account_id, stack.spec.stack, grants)
