"""Open the leases that the operator's settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.aws.deadlines import HASTE
from secrets_pipeline.aws.leases.s3 import S3LeaseStore
from secrets_pipeline.aws.leases.shared import SharedLeases
from secrets_pipeline.desired.settings.leases import BucketLeases

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions


def shared_leases(settings: BucketLeases, sessions: Sessions) -> SharedLeases:
    """Open the leases of a bucket.

    Args:
        settings: which.
        sessions: how AWS is reached.

    Raises:
        AwsError: if the configured profile does not exist.
    """
    # A renewal that hangs must end long before the lease does.
    account = sessions.derived(config=HASTE).for_target(settings.target)
    store = S3LeaseStore(account.client("s3"), settings.bucket, settings.prefix)
    return SharedLeases(store, settings.seconds, takeover_delay=settings.takeover_delay)
