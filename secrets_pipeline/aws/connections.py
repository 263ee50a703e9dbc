"""Connections that ask right before their bytes go: behind DNS, connect, TLS and a proxy, over a reused one as well.

botocore has no event there: `before-send` comes before the connection is chosen or made. But it lets others add a base
class to its clients (event `creating-client-class`), and a client is given its endpoint, which has an HTTP session.
That session makes its pools from a dictionary of classes, and urllib3's `ConnectionCls` says what a pool makes. So
nothing of botocore is replaced: proxies, certificates, time-outs and `Expect: 100-continue` stay its own. A botocore
without that dictionary fails as the first client is made.

Sources: https://docs.aws.amazon.com/boto3/latest/guide/events.html, botocore/httpsession.py (URLLib3Session) and
https://urllib3.readthedocs.io/en/stable/reference/urllib3.connectionpool.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

if TYPE_CHECKING:
    from botocore.session import Session

_request = threading.local()


def ask_before_sending(check: Callable[[], None] | None) -> None:
    """Call `check` right before this thread's next request is sent. botocore sends in the calling thread.

    Args:
        check: raises if they must not go; None for a request that need not ask.
    """
    _request.check = check


def install(session: Session) -> None:
    """Let every client that is made from a session later have connections that ask."""
    handler: Any = _add_base  # botocore's types know no handler that names what it takes
    session.register("creating-client-class", handler, unique_id="secrets-pipeline-connections")


def _add_base(base_classes: list[type], **_: object) -> None:
    base_classes.insert(0, _Client)


class _Client:
    """A base of clients; botocore hands the endpoint over by its name."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - botocore's
        pools = {"http": _Pool, "https": _TlsPool}
        given["endpoint"].http_session._pool_classes_by_scheme.update(pools)  # noqa: SLF001 - see the module
        super().__init__(**given)


class _AsksFirst:
    """Asks before each piece: the head, and a body that is sent by itself, for example after `100 Continue`."""

    sock: object
    connect: Callable[[], None]

    def send(self, data: bytes) -> None:
        """Connect if that was not done yet, ask, then send.

        Raises:
            SecretsPipelineError: whatever the check raises; urllib3 closes the connection then.
        """
        if self.sock is None:
            self.connect()
        check: Callable[[], None] | None = getattr(_request, "check", None)
        if check is not None:
            check()
        super().send(data)  # type: ignore[misc] # of botocore's connection


class _Connection(_AsksFirst, AWSHTTPConnection):  # type: ignore[misc] # typed by urllib3 in another way
    pass


class _TlsConnection(_AsksFirst, AWSHTTPSConnection):  # type: ignore[misc] # the same
    pass


class _Pool(AWSHTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(AWSHTTPSConnectionPool):
    ConnectionCls = _TlsConnection
