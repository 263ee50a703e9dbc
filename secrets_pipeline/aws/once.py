"""Keep botocore from repeating CreateKey and RegisterTaskDefinition while nobody knows whether they were performed.

They take no token, so another try after a lost answer makes a second resource. Whoever makes them looks for what an
earlier try made, so the next run goes on with the first.
Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html and
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

if TYPE_CHECKING:
    from botocore.session import Session

OPERATIONS = ("kms.CreateKey", "ecs.RegisterTaskDefinition")
_NEVER_SENT = (EndpointConnectionError, ConnectTimeoutError)
_SERVER_ERRORS = 500


def install(session: Session) -> None:
    """Guard every client that is made from a session later."""
    for operation in OPERATIONS:
        handler: Any = give_up_if_unknown  # botocore's types know no handler that answers
        session.register(f"needs-retry.{operation}", handler, unique_id=f"secrets-pipeline-once-{operation}")


def give_up_if_unknown(
    response: tuple[object, object] | None = None, caught_exception: Exception | None = None, **_: object
) -> Literal[False] | None:
    """Handle botocore's event `needs-retry`: False ends the tries, None leaves it to the retry mode."""
    if response is None:
        return None if isinstance(caught_exception, _NEVER_SENT) else False
    status = getattr(response[0], "status_code", 200)
    return False if status >= _SERVER_ERRORS else None
