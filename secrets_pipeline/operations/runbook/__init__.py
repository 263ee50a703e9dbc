"""Say what a red check, an alert and a finding of `health` mean, and what to do: one source for all who quote it."""

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.operations.runbook.access import ACCESS
from secrets_pipeline.operations.runbook.alerts import ALERTS
from secrets_pipeline.operations.runbook.declared import DECLARED
from secrets_pipeline.operations.runbook.entry import Entry, Subject
from secrets_pipeline.operations.runbook.health import HEALTH
from secrets_pipeline.operations.runbook.rotation import ROTATION
from secrets_pipeline.operations.runbook.values import VALUES

ENTRIES: Final[Mapping[str, Entry]] = {
    entry.name: entry for entry in (*VALUES, *DECLARED, *ROTATION, *ACCESS, *ALERTS, *HEALTH)
}
"""By the name of the check, the cause of the alert, or what `health` calls it."""


def cure(check: str, stack: str) -> str:
    """Return what to do about a red check, in Markdown: the alert, the check's page and the command line quote it.

    Args:
        check: its name.
        stack: the name that stands in the commands.

    Returns:
        Empty for a check that is not of this project.
    """
    entry = ENTRIES.get(check)
    return entry.what_to_do(stack) if entry else ""


__all__ = ["ENTRIES", "Entry", "Subject", "cure"]
