"""Read the log of a secret's rotation function by FilterLogEvents, as far as this account may."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeAlias

from secrets_pipeline.arn import Arn
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.errors import AwsError
from secrets_pipeline.rotation.log import Heard, LogLine, heard

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.stack import Stack

_GROUP = "/aws/lambda/"
_Identity: TypeAlias = tuple[object, ...]
_SLACK_MILLISECONDS = 2_000
"""Clocks of Lambda's and ours may differ a little."""


class FunctionLog:
    """Reads what was logged since it was made, or since another moment.

    Args:
        stack: the secret's stack.
        state: the secret.
        since: that moment; None for now.
    """

    def __init__(self, stack: Stack, state: SecretState, *, since: datetime | None = None) -> None:
        self._stack = stack
        self._arn = state.arn
        self._function = state.rotation_lambda_arn or ""
        began = time.time() if since is None else since.timestamp()
        self._since = int(began * 1000) - _SLACK_MILLISECONDS
        self._is_readable = self._is_here()
        # What an attempt that ended a moment ago said is none of this one's.
        self._known = frozenset[_Identity]() if since else frozenset(map(_identity, self._events()))

    def heard(self, version: str) -> Heard:
        """Find what the log says of one rotation; nothing where it cannot be read, whyever: a log only explains."""
        new = [one for one in self._events() if _identity(one) not in self._known]
        lines = [LogLine(one.get("logStreamName", ""), one.get("message", "")) for one in new]
        return heard(lines, arn=self._arn, version=version, group=self._group)

    def _events(self) -> list[dict[str, Any]]:
        if not self._is_readable:
            return []
        client = self._stack.account.client("logs")
        try:
            with calling("FilterLogEvents", self._group):
                return list(pages(client, "filter_log_events", logGroupName=self._group, startTime=self._since))
        except AwsError as error:
            # A function that has never run has no log yet; another error may be none at the next look.
            self._is_readable = not (error.denied or error.unanswered)
            return []

    @property
    def _group(self) -> str:
        # Without a function's ARN there is no group to read, nor one to name.
        function = Arn.match(self._function)
        return _GROUP + (function.name if function else "")

    def _is_here(self) -> bool:
        return self._function.startswith(self._stack.account.function_arn(""))


def _identity(event: Mapping[str, Any]) -> _Identity:
    """What tells an event from others; every field of a FilteredLogEvent is optional, eventId too."""
    return tuple(event.get(field) for field in ("eventId", "logStreamName", "timestamp", "message"))
