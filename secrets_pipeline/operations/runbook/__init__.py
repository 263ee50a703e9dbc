"""Say what a red check and an alert mean, and what to do: one source for the page, the checks and the alerts."""

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.operations.runbook.access import ACCESS
from secrets_pipeline.operations.runbook.alerts import ALERTS
from secrets_pipeline.operations.runbook.declared import DECLARED
from secrets_pipeline.operations.runbook.entry import Entry, Subject
from secrets_pipeline.operations.runbook.rotation import ROTATION
from secrets_pipeline.operations.runbook.values import VALUES

ENTRIES: Final[Mapping[str, Entry]] = {entry.name: entry for entry in (*VALUES, *DECLARED, *ROTATION, *ACCESS, *ALERTS)}
"""By the name of the check, or the cause of the alert."""

__all__ = ["ENTRIES", "Entry", "Subject"]
