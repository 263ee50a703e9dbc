"""Say which run leaves the queue first: what repairs before what follows, what is asked for before what looks.

Source: https://docs.dagster.io/deployment/execution/customizing-run-queue-priority
"""

from types import MappingProxyType
from typing import Final

PRIORITY_TAG: Final = "dagster/priority"
BACKFILL_TAG: Final = "dagster/backfill"

REPAIR, FOLLOW, PROVISION, VERIFY, BACKFILL = 10, 5, 0, -5, -10


def priority(number: int) -> MappingProxyType[str, str]:
    """Return the tag of a job whose runs have a priority; a run without one has 0, as `PROVISION`."""
    return MappingProxyType({PRIORITY_TAG: str(number)})
