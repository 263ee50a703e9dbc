"""Leases as they are, but shorter: a test waits for some that expire, and nothing here is on its way for minutes."""

from secrets_pipeline.aws.leases import shared
from secrets_pipeline.aws.leases.store import LeaseStore

SECONDS = 30
DELAY = 6
"""Of whoever takes over: here no request is signed long before it is sent."""


def shorten() -> None:
    """Let each lease that this process takes last SECONDS, whatever the settings say."""
    shared.MARGIN_SECONDS = 10
    made = shared.SharedLeases.__init__

    def short(self: shared.SharedLeases, store: LeaseStore, _seconds: int, *, takeover_delay: int) -> None:
        assert takeover_delay
        made(self, store, SECONDS, takeover_delay=DELAY)

    shared.SharedLeases.__init__ = short  # type: ignore[method-assign,assignment] # with fewer arguments
