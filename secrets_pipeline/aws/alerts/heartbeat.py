"""Call the URL of a dead-man's switch, as healthchecks.io has them: whoever owns it alarms when the calls stop.

Source: https://healthchecks.io/docs/http_api/
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from secrets_pipeline.aws.alerts.secret_url import call_url, read_url
from secrets_pipeline.desired.settings.alerts import SecretUrl
from secrets_pipeline.errors import SecretsPipelineError

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions

_READ_AGAIN_SECONDS = 3_600.0
"""A secret that was read is kept so long: each call would be a GetSecretValue otherwise."""


class Heartbeat:
    """Calls the URL that the settings lead to, and remembers it for an hour.

    Args:
        environment: for example `os.environ`.
        clock: seconds, of which only differences count.
    """

    def __init__(
        self, *, environment: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._environment = environment
        self._clock = clock
        self._known: tuple[SecretUrl, SecretStr, float] | None = None

    def call(self, settings: SecretUrl, sessions: Sessions) -> SecretsPipelineError | None:
        """Send one GET; why it was not taken, or None. The next call is its repetition.

        Args:
            settings: where the URL is.
            sessions: how AWS is reached for it.
        """
        try:
            refusal = call_url(self._url(settings, sessions), "the heartbeat", "GET")
        except SecretsPipelineError as error:
            return error
        if refusal is not None:
            self._known = None
        return refusal

    def _url(self, settings: SecretUrl, sessions: Sessions) -> SecretStr:
        now = self._clock()
        if self._known is None or self._known[0] != settings or now - self._known[2] > _READ_AGAIN_SECONDS:
            self._known = (settings, read_url(settings, sessions, environment=self._environment), now)
        return self._known[1]
