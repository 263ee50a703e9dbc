"""Say which references of secrets nobody can resolve."""

from __future__ import annotations

from collections.abc import Iterable

from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.unresolved import Unresolved, UnresolvedReason


def note_unresolved(specs: Iterable[StackSpec], failures: Failures) -> None:
    """Say each reference that nobody can resolve, once, however many secrets it blocks."""
    for spec in specs:
        causes = [one for secret in spec.secrets for one in secret.unresolved if one.is_cause]
        # All secrets of a chain say the same: the first one tells it.
        for text in dict.fromkeys(_first(one, causes).diagnostics() for one in causes):
            failures.note(spec.stack, text)


def _first(one: Unresolved, causes: Iterable[Unresolved]) -> Unresolved:
    circular = one.reason is UnresolvedReason.CIRCULAR
    return next(cause for cause in causes if cause.problem == one.problem) if circular else one
