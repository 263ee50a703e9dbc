"""Say which references of secrets nobody can resolve."""

from __future__ import annotations

from collections.abc import Iterable

from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.unresolved import told


def note_unresolved(specs: Iterable[StackSpec], failures: Failures) -> None:
    """Say each cause for which nobody can resolve references once, however many these are."""
    for spec in specs:
        for text in told(one for secret in spec.secrets for one in secret.unresolved if one.is_cause):
            failures.note(spec.stack, text)
