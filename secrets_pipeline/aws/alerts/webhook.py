"""Post alerts to a webhook, as JSON that Slack takes: incoming webhooks of Slack, Mattermost and Rocket.Chat.

Sources: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from secrets_pipeline.aws.alerts.channel import Alert, NotPublished, Publication, Published
from secrets_pipeline.aws.alerts.secret_url import call_url, host_of, read_url
from secrets_pipeline.desired.settings.alerts import SecretUrl
from secrets_pipeline.errors import AlertError, SecretsPipelineError

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions

PAUSES = (0.5, 2.0)
"""Seconds between tries: an alert is said by runs and ticks, which wait for it."""
_CHARACTERS = 3_500
"""Of a text; Slack cuts a message in pieces from 4,000 on."""
_ESCAPED = str.maketrans({"<": "&lt;", ">": "&gt;", "@": "@\u200b"})
"""Characters that start a mention or a link in Slack, and in Mattermost (`@`)."""
# Slack alone turns `&amp;` back in the address of a link.
_ESCAPED_FOR_SLACK = {**_ESCAPED, ord("&"): "&amp;"}
_SLACK = (".slack.com", ".slack-gov.com")
_HEADERS = {"Content-Type": "application/json; charset=utf-8"}


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
        settings: SecretUrl,
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
        try:
            # Read for each alert, as somebody may have replaced the URL.
            url = read_url(self._settings, self._sessions, environment=self._environment)
        except SecretsPipelineError as error:
            return NotPublished(error)
        body = json.dumps({"text": _text(alert, host_of(url))}).encode()
        refusal = _posted(url, body)
        for pause in PAUSES:
            if refusal is None or not refusal.passes:
                break
            self._sleep(pause)
            refusal = _posted(url, body)
        return Published() if refusal is None else NotPublished(refusal)


def _posted(url: SecretStr, body: bytes) -> AlertError | None:
    return call_url(url, "the webhook", "POST", body, _HEADERS)


def _text(alert: Alert, host: str) -> str:
    whole = f"{alert.subject}\n\n{alert.text}"
    cut = whole if len(whole) <= _CHARACTERS else f"{whole[:_CHARACTERS]}\n(cut)"
    return cut.translate(_ESCAPED_FOR_SLACK if host.endswith(_SLACK) else _ESCAPED)
