"""Bound a call that is never answered to about two minutes, where botocore's defaults allow more than eight.

AWS's slow answers stay legal, since each try still waits as long as botocore does by default. What is bounded is how
often an answer that does not come is waited for.
Source: https://docs.aws.amazon.com/botocore/latest/reference/config.html (connect_timeout, read_timeout: 60 s each) and
https://docs.aws.amazon.com/boto3/latest/guide/retries.html (time-outs are tried again like other transient errors)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.config import Config
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.exceptions import HTTPClientError, ReadTimeoutError

if TYPE_CHECKING:
    from botocore.session import Session

CONNECT_SECONDS: Final = 10
READ_SECONDS: Final = 60
_TRIES: Final = 2
_DISPENSABLE: Final = ("needs-retry.ec2.", "needs-retry.organizations.")
"""Their endpoints are out of reach of many a VPC, and what they would say is left open then."""
HASTE: Final = Config(
    connect_timeout=3, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 2}, max_pool_connections=4
)
"""For what is of no use when it is answered late: the renewal of a lease, a look at the side of a sensor's tick."""


def install(session: Session) -> None:
    """Bound the calls of every client that is made from a session later."""
    handler: Any = give_up_if_unanswered  # botocore's types know no handler that answers
    # As specific as an operation, so that it is asked before the retry mode, which is registered for a service.
    session.register("needs-retry.*.*", handler, unique_id="secrets-pipeline-deadline")


def give_up_if_unanswered(
    attempts: int, caught_exception: Exception | None = None, event_name: str = "", **_: object
) -> Literal[False] | None:
    """Handle botocore's event `needs-retry`: False ends the tries, None leaves it to the retry mode."""
    given_up = (HTTPClientError, NoConnectionError) if event_name.startswith(_DISPENSABLE) else ReadTimeoutError
    return False if isinstance(caught_exception, given_up) and attempts >= _TRIES else None
