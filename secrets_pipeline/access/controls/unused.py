"""Judge SecretsManager.3: does anybody still read the secret?

LastAccessedDate, which AWS Config looks at, is also that of the pipeline's own reads: a date long ago proves that a
secret is unused, a recent one proves nothing. Then the reads that CloudTrail knows of decide, without the pipeline's.
A secret that was never read counts from its creation.

Source: https://docs.aws.amazon.com/config/latest/developerguide/secretsmanager-secret-unused.html
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from secrets_pipeline.access.controls.dates import DAY, ago, days, on
from secrets_pipeline.access.controls.model import Control, Failed, Judgement, Passed, Severity, Unknown
from secrets_pipeline.access.controls.reads import LastReads, UnreadReads
from secrets_pipeline.access.snapshot.model import SecretSnapshot

CONTROL: Final = Control(
    id="SecretsManager.3",
    title="Remove unused Secrets Manager secrets",
    severity=Severity.MEDIUM,
    config_rule="secretsmanager-secret-unused",
)
NOT_ASKED: Final = UnreadReads("CloudTrail was not asked")
_LATER = timedelta(hours=1)
"""CloudTrail is asked for the last 90 days when a snapshot has been taken, not at its moment."""


def judge(
    secret: SecretSnapshot, most_days: int, *, now: datetime, reads: LastReads | UnreadReads = NOT_ASKED
) -> Judgement:
    """Whether somebody read a secret lately.

    Args:
        secret: as ListSecrets tells of it.
        most_days: days without a read that it may have.
        now: with time zone.
        reads: of others than the pipeline.
    """
    oldest = now - most_days * DAY
    read = reads.of(secret) if isinstance(reads, LastReads) else None
    if read is not None and read.at >= oldest:
        return Passed(f"{read.by} read it {ago(read.at, now)}")
    return _by_dates(secret, most_days, now) or _by_reads(secret, most_days, now, reads)


def needs_reads(secret: SecretSnapshot, most_days: int, *, now: datetime) -> bool:
    """Whether the dates that ListSecrets gives leave it open, so that CloudTrail has to be asked."""
    return _by_dates(secret, most_days, now) is None


def _by_dates(secret: SecretSnapshot, most_days: int, now: datetime) -> Passed | Failed | None:
    created, accessed = secret.created_at, secret.accessed_at
    if created is not None and created >= now - most_days * DAY:
        return Passed(f"it was made {ago(created, now)}, and may go {days(most_days)} without a read")
    if accessed is None:
        return None if created is None else Failed(f"it was made {ago(created, now)}, and has never been read")
    last_day = accessed.astimezone(UTC).date()
    if (now.astimezone(UTC).date() - last_day) > most_days * DAY:
        return Failed(f"nobody has read it since {last_day}, for more than {days(most_days)}")
    return None


def _by_reads(
    secret: SecretSnapshot, most_days: int, now: datetime, reads: LastReads | UnreadReads
) -> Failed | Unknown:
    """The judgement where no read of the last days is known, and the dates leave it open."""
    if isinstance(reads, UnreadReads):
        seen = "maybe by the pipeline alone" if secret.accessed_at else "if at all"
        return Unknown(f"who read it lately, {seen}, is not known: {reads.reason}")
    if reads.since - (now - most_days * DAY) > _LATER:
        because = f": {reads.limited}" if reads.limited else ""
        return Unknown(
            f"nobody but the pipeline has read it since {on(reads.since)}; before that is not known{because}"
        )
    return Failed(f"nobody but the pipeline has read it in the last {days(most_days)}")
