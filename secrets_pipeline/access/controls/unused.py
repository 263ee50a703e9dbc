"""Judge SecretsManager.3: does anybody still read the secret?

LastAccessedDate, which AWS Config looks at, is also that of the pipeline's own reads: a date long ago proves that a
secret is unused, a recent one proves nothing. Then the reads that CloudTrail knows of decide, without the pipeline's.
A secret that was never read counts from its creation.

Source: https://docs.aws.amazon.com/config/latest/developerguide/secretsmanager-secret-unused.html
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Final

from secrets_pipeline.access.controls.dates import DAY, ago, days, on
from secrets_pipeline.access.controls.model import Control, Failed, Judgement, Passed, Question, Severity, Unknown
from secrets_pipeline.access.controls.reads import LastReads, UnreadReads

UNUSED: Final = Control(
    id="SecretsManager.3",
    title="Remove unused Secrets Manager secrets",
    severity=Severity.MEDIUM,
    config_rule="secretsmanager-secret-unused",
    parameter="unusedForDays",
)
_LATER = timedelta(hours=1)
"""CloudTrail is asked for the last 90 days when a snapshot has been taken, not at its moment."""


def is_used(asked: Question) -> Judgement:
    """Whether somebody read a secret lately."""
    read = asked.reads.of(asked.secret) if isinstance(asked.reads, LastReads) else None
    if read is not None and read.at >= asked.now - asked.parameters.unused_for_days * DAY:
        return Passed(f"{read.by} read it {ago(read.at, asked.now)}")
    return told_by_dates(asked) or _by_reads(asked)


def told_by_dates(asked: Question) -> Passed | Failed | None:
    """The judgement by the dates that ListSecrets gives; None where they leave it open, so that CloudTrail is asked."""
    now, most_days = asked.now, asked.parameters.unused_for_days
    created, accessed = asked.secret.created_at, asked.secret.accessed_at
    if created is not None and created >= now - most_days * DAY:
        return Passed(f"it was made {ago(created, now)}, and may go {days(most_days)} without a read")
    if accessed is None:
        return None if created is None else Failed(f"it was made {ago(created, now)}, and has never been read")
    last_day = accessed.astimezone(UTC).date()
    if (now.astimezone(UTC).date() - last_day) > most_days * DAY:
        return Failed(f"nobody has read it since {last_day}, for more than {days(most_days)}")
    return None


def _by_reads(asked: Question) -> Failed | Unknown:
    """The judgement where no read of the last days is known, and the dates leave it open."""
    reads, most_days = asked.reads, asked.parameters.unused_for_days
    if isinstance(reads, UnreadReads):
        seen = "maybe by the pipeline alone" if asked.secret.accessed_at else "if at all"
        return Unknown(f"who read it lately, {seen}, is not known: {reads.reason}")
    if reads.since - (asked.now - most_days * DAY) > _LATER:
        because = f": {reads.limited}" if reads.limited else ""
        return Unknown(
            f"nobody but the pipeline has read it since {on(reads.since)}; before that is not known{because}"
        )
    return Failed(f"nobody but the pipeline has read it in the last {days(most_days)}")
