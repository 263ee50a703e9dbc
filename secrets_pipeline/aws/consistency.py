"""Call AWS again, within bounds, while what was just made is not visible everywhere yet.

IAM, KMS and Secrets Manager are eventually consistent: a role that exists can be refused as principal for some seconds,
and a secret or alias that was just made can be unknown to the next call.
Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency,
https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import ClientError
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential

from secrets_pipeline.aws.faults import FOREIGN, raise_without_context, translate
from secrets_pipeline.errors import AwsError

SECONDS = 15.0
IN_ALL_SECONDS = 60.0
_BACKOFF = wait_exponential(multiplier=0.5, max=4)
_AT_LEAST = 0.001

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Lag:
    """The errors with which AWS answers while something new is not visible yet.

    Attributes:
        what: is not visible yet, for messages.
        codes: error codes.
        text: what the message says besides; None for any. A code alone does not tell a new principal from bad JSON.
    """

    what: str
    codes: frozenset[str]
    text: re.Pattern[str] | None = None

    def explains(self, error: BaseException) -> bool:
        """Tell whether an error of botocore's is one of them, which pass by themselves."""
        if not isinstance(error, ClientError):
            return False
        answer = error.response.get("Error", {})
        if answer.get("Code") not in self.codes:
            return False
        return self.text is None or self.text.search(str(answer.get("Message", ""))) is not None


NEW_PRINCIPAL = Lag(
    "a principal of the policy",
    frozenset({"MalformedPolicyDocumentException", "MalformedPolicyDocument"})
    | frozenset({"InvalidParameterException", "InvalidParameterValueException"}),
    re.compile(r"(unsupported|invalid) principals?|principal was invalid", re.IGNORECASE),
)
"""PutResourcePolicy, CreateKey, PutKeyPolicy and AddPermission with a principal that has just been made."""

NEW_RESOURCE = Lag("what was just made", frozenset({"ResourceNotFoundException", "NotFoundException"}))
"""Any call about a secret, KMS key or alias that this run has made; not for what may simply not exist."""


class Patience:
    """Bounds how long one run waits for what is not visible yet; all its threads share it.

    A subject has its seconds from its first refusal on, whoever asks: two hundred policies with one principal that does
    not exist wait once. All subjects together have a bound as well, in time that passes, however many threads wait.

    Args:
        seconds: for one subject.
        in_all: seconds for all of them.
        clock: seconds from any origin, never going back.
        sleep: waits some seconds.
    """

    def __init__(
        self,
        *,
        seconds: float = SECONDS,
        in_all: float = IN_ALL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds = seconds
        self._in_all = in_all
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._refused_at: dict[tuple[str, str], float] = {}
        self._waiting = 0
        self._waiting_since = 0.0
        self._waited = 0.0

    def until_visible(
        self, action: str, resource: str, call: Callable[[], Answer], *, lag: Lag, subject: str = ""
    ) -> Answer:
        """Call AWS, again while the lag explains its answer and there is time; it stands in the place of `calling`.

        Args:
            action: what is tried, as API operation, for example `PutResourcePolicy`.
            resource: on what.
            call: the bare call of a boto3 client; it has to be safe to repeat.
            lag: which answer may pass by itself.
            subject: what is not visible, for example the principals of a policy; `resource` if not given.

        Raises:
            AwsError: what AWS answered last; if the lag explains it, the remedy says how long it was waited for.
        """
        about = (lag.what, subject or resource)
        started = self._clock()

        def backoff(state: RetryCallState) -> float:
            return max(min(_BACKOFF(state), self._left(about)), 0.0)

        def is_over(_: RetryCallState) -> bool:
            return self._left(about) < _AT_LEAST

        def sleep(seconds: float) -> None:
            with self._counted():
                self._sleep(seconds)

        retrying = Retrying(
            retry=retry_if_exception(lag.explains), wait=backoff, stop=is_over, sleep=sleep, reraise=True
        )
        try:
            answer = retrying(call)
        except FOREIGN as error:
            failure = translate(error, action=action, resource=resource)
            waited = self._clock() - started
            raise_without_context(_with_wait(failure, lag, waited) if lag.explains(error) else failure)
        with self._lock:
            self._refused_at.pop(about, None)
        return answer

    def _left(self, about: tuple[str, str]) -> float:
        with self._lock:
            now = self._clock()
            first = self._refused_at.setdefault(about, now)
            since = now - self._waiting_since if self._waiting else 0.0
            return min(self._seconds - (now - first), self._in_all - self._waited - since)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Time in which anybody waits counts once."""
        with self._lock:
            if self._waiting == 0:
                self._waiting_since = self._clock()
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                if self._waiting == 0:
                    self._waited += self._clock() - self._waiting_since


def _with_wait(failure: AwsError, lag: Lag, waited: float) -> AwsError:
    waited_for = f"Waited {waited:.0f} s" if waited >= _AT_LEAST else "This run has waited long enough"
    return AwsError(
        failure.message,
        code=failure.code,
        operation=failure.operation,
        remedy=f"{waited_for} for {lag.what} to become visible. {failure.remedy}",
    )
