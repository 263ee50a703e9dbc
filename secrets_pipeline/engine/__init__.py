"""Plan and apply: bounded concurrency, dependency order, progress, outcomes."""

from secrets_pipeline.engine.apply import DEFAULT_WORKERS, Progress, Reconciler, apply, planned, silent
from secrets_pipeline.engine.model import (
    Applied,
    Change,
    ChangeClass,
    Failed,
    Outcome,
    Resource,
    Skipped,
    SkippedError,
    Unchanged,
)
from secrets_pipeline.engine.report import Counts, count, rows

__all__ = [
    "DEFAULT_WORKERS",
    "Applied",
    "Change",
    "ChangeClass",
    "Counts",
    "Failed",
    "Outcome",
    "Progress",
    "Reconciler",
    "Resource",
    "Skipped",
    "SkippedError",
    "Unchanged",
    "apply",
    "count",
    "planned",
    "rows",
    "silent",
]
