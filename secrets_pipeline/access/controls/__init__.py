"""Security Hub's controls SecretsManager.1 to .5, judged over a snapshot."""

from secrets_pipeline.access.controls.judging import CONTROLS, judge, needs_reads
from secrets_pipeline.access.controls.model import (
    Control,
    ControlResult,
    Failed,
    Judgement,
    NotApplicable,
    Passed,
    Severity,
    Unknown,
)
from secrets_pipeline.access.controls.reads import LastReads, Read, Unread

__all__ = [
    "CONTROLS",
    "Control",
    "ControlResult",
    "Failed",
    "Judgement",
    "LastReads",
    "NotApplicable",
    "Passed",
    "Read",
    "Severity",
    "Unknown",
    "Unread",
    "judge",
    "needs_reads",
]
