"""Post alerts to a webhook, as JSON that Slack takes: incoming webhooks of Slack, Mattermost and Rocket.Chat.

The URL of such a webhook is a secret: whoever knows it may post. It is read when an alert is due, from where the
settings say, and is in no error, log or record.
Sources: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from pydantic import SecretStr

from secrets_pipeline.arn import Arn
from secrets_pipeline.aws.alerts.channel import Alert, NotPublished, Publication, Published
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.logs import mask_logs
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.alerts import WebhookSettings
from secrets_pipeline.errors import AlertError, SecretsPipelineError

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions

PAUSES = (0.5, 2.0)
"""Seconds between tries: an alert is said by runs and ticks, which wait for it."""
_SECONDS = 5
"""To connect, and to be answered."""
_CHARACTERS = 3_500
"""Of a text; Slack cuts a message in pieces from 4,000 on."""
_OK, _REDIRECTION = 200, 300
_PASSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "@\u200b"})
"""What Slack reads as mentions and links, as its documentation has it; Mattermost mentions by `@` alone."""
_LOOPBACK = "127.0.0.1"


class Webhook:
    """Posts to the webhook that the settings lead to.

    Args:
        settings: where its URL is.
        sessions: how AWS is reached for it.
        environment: for example `os.environ`.
        sleep: waits between two tries.
    """

    name = "webhook"

    def __init__(
        self,
        settings: WebhookSettings,
        sessions: Sessions,
        *,
        environment: Mapping[str, str] = os.environ,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._environment = environment
        self._sleep = sleep

    def publish(self, alert: Alert, *, moment: int) -> Publication:  # noqa: ARG002 - nothing here drops what repeats
        """Send one POST; what may pass by itself, a time-out, throttling or an error of the server, is tried again."""
        body = json.dumps({"text": _text(alert)}).encode()
        try:
            url = self._url()
            refusal = _posted(url, body)
            for pause in PAUSES:
                if refusal is None or not refusal.passes:
                    break
                self._sleep(pause)
                refusal = _posted(url, body)
        except SecretsPipelineError as error:
            return NotPublished(error)
        return Published() if refusal is None else NotPublished(refusal)

    def _url(self) -> SecretStr:
        """Read the URL, and refuse one that everybody on the way could read."""
        url = SecretStr(self._read().strip())
        if not _is_safe(url.get_secret_value()):
            raise AlertError(
                f"what {self._settings} holds is no https URL",
                remedy=f"Put the webhook's whole URL there. http is taken for {_LOOPBACK} alone.",
            )
        return url

    def _read(self) -> str:
        where = self._settings
        if where.environment is not None:
            found = self._environment.get(where.environment, "")
            if not found:
                raise AlertError(f"{where} is not set", remedy="Set it where Dagster runs, or name another place.")
            return found
        arn = Arn.parse(where.secret_arn or where.parameter_arn or "")
        target = Target(account_id=arn.account_id, region=arn.region).under(where)
        account = self._sessions.for_target(target)
        if where.secret_arn is not None:
            with calling("GetSecretValue", f"of {where}"):
                return (
                    account.client("secretsmanager").get_secret_value(SecretId=where.secret_arn).get("SecretString", "")
                )
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


def _posted(url: SecretStr, body: bytes) -> AlertError | None:
    """Send one POST; why it was not taken, or None."""
    mask_logs()
    whole = url.get_secret_value()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "secrets-pipeline"}
    # Nothing of an answer is read, and no redirection followed: either may hold the URL.
    trusted: Any = os.environ.get("AWS_CA_BUNDLE") or True  # botocore takes a path, which its types do not know
    session = URLLib3Session(verify=trusted, proxies=get_environ_proxies(whole), timeout=_SECONDS)
    try:
        request = AWSRequest("POST", whole, headers, body, stream_output=True).prepare()
        answer = session.send(request)
        answer.raw.close()
        status = int(answer.status_code)
    except (BotoCoreError, ValueError) as error:
        # Its text names the URL.
        kind = type(error).__name__
        return AlertError(
            f"the webhook cannot be reached: {kind}", passes=True, remedy="Look at the network's way out."
        )
    finally:
        session.close()
    if _OK <= status < _REDIRECTION:
        return None
    remedy = "Make the webhook anew, and put its URL there." if status not in _PASSES else "It mostly passes by itself."
    return AlertError(f"the webhook answered HTTP {status}", passes=status in _PASSES, remedy=remedy)


def _text(alert: Alert) -> str:
    whole = f"{alert.subject}\n\n{alert.text}"
    cut = whole if len(whole) <= _CHARACTERS else f"{whole[:_CHARACTERS]}\n(cut)"
    return cut.translate(_ESCAPED)
