"""Leases as they are, but shorter: a test waits for some that expire, and nothing here is on its way for minutes."""

from secrets_pipeline.aws.leases import shared
from secrets_pipeline.aws.leases.store import LeaseStore

SECONDS = 30


def shorten() -> None:
    """Let each lease that this process takes last SECONDS, whatever the settings say."""
    shared.MARGIN_SECONDS = 10
    made = shared.SharedLeases.__init__

    def short(self: shared.SharedLeases, store: LeaseStore, _seconds: int) -> None:
        made(self, store, SECONDS)

    shared.SharedLeases.__init__ = short  # type: ignore[method-assign,assignment] # with fewer arguments
