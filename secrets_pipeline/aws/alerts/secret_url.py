"""Read a URL that is a secret, and call it: whoever knows it may post, or say that all is well.

It is read from where the settings say, and is in no error, log or record.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from pydantic import SecretStr

from secrets_pipeline.arn import Arn
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.logs import mask_logs
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.alerts import SecretUrl
from secrets_pipeline.errors import AlertError

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions

_SECONDS = 5
"""To connect, and to be answered."""
_OK, _REDIRECTION = 200, 300
_PASSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOOPBACK = "127.0.0.1"


def read_url(where: SecretUrl, sessions: Sessions, *, environment: Mapping[str, str]) -> SecretStr:
    """Read the URL (GetSecretValue, GetParameter, or a variable), and refuse one that everybody on the way could read.

    Args:
        where: what the settings say.
        sessions: how AWS is reached.
        environment: for example `os.environ`.

    Raises:
        SecretsPipelineError: if it cannot be read, or if it is no https URL.
    """
    url = SecretStr(_read(where, sessions, environment).strip())
    if not _is_safe(url.get_secret_value()):
        raise AlertError(
            f"what {where} holds is no https URL",
            remedy=f"Put the whole URL there. http is taken for {_LOOPBACK} alone.",
        )
    return url


def host_of(url: SecretStr) -> str:
    """Return the host of a URL that `read_url` gave."""
    return urlsplit(url.get_secret_value()).hostname or ""


def call_url(
    url: SecretStr,
    what: str,
    method: Literal["GET", "POST"],
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> AlertError | None:
    """Send one request, and follow no redirection.

    Args:
        url: where to.
        what: what an error calls it, for example `the webhook`.
        method: GET or POST.
        body: of a POST.
        headers: further ones.

    Returns:
        Why it was not taken; None if it was (HTTP 2xx).
    """
    mask_logs()
    whole = url.get_secret_value()
    named = {**(headers or {}), "User-Agent": "secrets-pipeline"}
    # Nothing of an answer is read, and no redirection followed: either may hold the URL.
    trusted: Any = os.environ.get("AWS_CA_BUNDLE") or True  # botocore takes a path, which its types do not know
    session = URLLib3Session(verify=trusted, proxies=get_environ_proxies(whole), timeout=_SECONDS)
    try:
        request = AWSRequest(method, whole, named, body, stream_output=True).prepare()
        answer = session.send(request)
        answer.raw.close()
        status = int(answer.status_code)
    except (BotoCoreError, ValueError) as error:
        # Its text names the URL.
        kind = type(error).__name__
        return AlertError(f"{what} cannot be reached: {kind}", passes=True, remedy="Look at the network's way out.")
    finally:
        session.close()
    if _OK <= status < _REDIRECTION:
        return None
    passes = status in _PASSES
    remedy = "This usually passes by itself." if passes else f"Create {what} again, and store its new URL."
    return AlertError(f"{what} answered HTTP {status}", passes=passes, remedy=remedy)


def _read(where: SecretUrl, sessions: Sessions, environment: Mapping[str, str]) -> str:
    if where.environment is not None:
        found = environment.get(where.environment, "")
        if not found:
            raise AlertError(f"{where} is not set", remedy="Set it where Dagster runs, or name another place.")
        return found
    arn = Arn.parse(where.secret_arn or where.parameter_arn or "")
    target = Target(account_id=arn.account_id, region=arn.region).under(where)
    account = sessions.for_target(target)
    if where.secret_arn is not None:
        with calling("GetSecretValue", f"of {where}"):
            return account.client("secretsmanager").get_secret_value(SecretId=where.secret_arn).get("SecretString", "")
    name = str(arn).partition(":parameter")[2]
    with calling("GetParameter", f"of {where}"):
        return account.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    return bool(host) and url.isprintable() and (parts.scheme == "https" or (parts.scheme, host) == ("http", _LOOPBACK))
