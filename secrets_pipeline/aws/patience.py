"""Repeat calls, within bounds, that AWS refuses for a while, and no others; all clients of a run share the bounds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from secrets_pipeline.aws.consistency import Awaited, Made, Params, Request, awaited
from secrets_pipeline.errors import THROTTLED

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from botocore.session import Session

SECONDS = 120.0
"""As long as Terraform's provider waits for IAM, Lambda and Secrets Manager."""
FRUITLESS_SECONDS = 240.0
WAITED = "SecretsPipelineWaited"
"""Where an error's answer says what was waited for, and how long."""
WAITING = logging.getLogger("secrets_pipeline.waiting")
"""Is told, at level INFO, what a run waits for longer than some seconds."""
_TOLD_SECONDS = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 4.0
_CALL = "secrets-pipeline-call"


class _Call:
    """One call on its way.

    Attributes:
        request: what is asked.
        sent: when its latest try was sent.
        began: when it was first refused; None as long as it was not.
        pause: seconds before the next try.
        waits_for: what it was refused for last; None for nothing.
    """

    def __init__(self, request: Request, sent: float) -> None:
        self.request, self.sent = request, sent
        self.began: float | None = None
        self.pause = _FIRST_PAUSE
        self.waits_for: Awaited | None = None


class Patience:
    """Waits for what AWS does not show yet, and bounds how long one run does.

    What is waited for has its seconds from its first refusal on, whoever asks: two hundred policies with one principal
    that does not exist wait once. Waiting that came to nothing has a bound of its own, however much there is to wait
    for. A call is refused for good only if it was sent after the time was over: whose machine stood still looks again.

    Args:
        seconds: for each thing that is waited for.
        fruitless: seconds for all that never became visible.
        clock: seconds from any origin, never going back.
        sleep: waits some seconds.
    """

    def __init__(
        self,
        *,
        seconds: float = SECONDS,
        fruitless: float = FRUITLESS_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds, self._fruitless = seconds, fruitless
        self._clock, self._sleep = clock, sleep
        self._made, self._scopes = Made(), count()
        self._lock = threading.Lock()
        self._refused_at: dict[Awaited, float] = {}
        self._waiting = 0
        self._waiting_since = 0.0
        self._waited = 0.0
        self._local = threading.local()

    def begin(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        """Begin a run, by a time of its own: nothing that an earlier one made is waited for any more."""
        with self._lock:
            self._clock, self._sleep = clock, sleep
            self._made, self._refused_at, self._waited = Made(), {}, 0.0

    def install(self, session: Session) -> None:
        """Watch every client that is made from a session later."""
        # botocore's types know no handler that names what it takes, or answers.
        called: Any = partial(self._called, scope=f"{next(self._scopes)}")
        retry: Any = self._tried
        session.register("before-parameter-build", called, unique_id="secrets-pipeline-called")
        # Before the handlers of retries: what they know nothing of they call final.
        session.get_component("event_emitter").register_first(
            "needs-retry.*.*", retry, unique_id="secrets-pipeline-patience"
        )

    @contextmanager
    def none(self) -> Iterator[None]:
        """Have the calls of this thread refused at once."""
        self._local.impatient = True
        try:
            yield
        finally:
            self._local.impatient = False

    def _called(
        self, *, scope: str, params: Params, model: OperationModel, context: dict[str, Any], **_: object
    ) -> None:
        """Handle botocore's event before a request is built."""
        request = Request(scope, model.service_model.service_name, model.name, params)
        context[_CALL] = _Call(request, self._clock())

    def _tried(
        self,
        response: tuple[object, dict[str, Any]] | None,
        request_dict: Mapping[str, Any],
        **_: object,
    ) -> float | None:
        """Handle botocore's event after a try: 0 has it tried again, None leaves that to the retry mode."""
        call = cast("_Call | None", request_dict["context"].get(_CALL))
        if response is None or call is None:
            return None
        answer = response[1]
        error: Mapping[str, Any] | None = answer.get("Error")
        if error is None:
            self._made.note(call.request, answer)
            self._seen(call)
            return None
        now, code, message = self._clock(), str(error.get("Code")), str(error.get("Message"))
        self._made.note_refused(call.request, code)
        found = awaited(call.request, code, message, self._made)
        if found is None and code in THROTTLED:
            # The retry mode counts our tries as its own.
            found = call.waits_for
        if found is None:
            self._seen(call)
            return None
        if call.waits_for != found:
            self._seen(call)
            call.waits_for = found
        if call.began is None:
            call.began = now
        if not self._wait(call, found, now):
            answer["Error"] = {**error, WAITED: f"{_told(now - call.began)} for {found.lag.what}."}
            return None
        return 0.0

    def _wait(self, call: _Call, subject: Awaited, now: float) -> bool:
        """Sleep before the next try; False, at once, if the time was over when this one was sent."""
        with self._lock:
            first = self._refused_at.setdefault(subject, now)
            since = now - self._waiting_since if self._waiting else 0.0
            left = min(first + self._seconds, now + self._fruitless - self._waited - since) - now
        if getattr(self._local, "impatient", False) or (left <= 0 and call.sent >= now + left):
            return False
        with self._counted():
            self._sleep(max(0.0, min(call.pause, left)))
        call.pause, call.sent = min(2 * call.pause, _LONGEST_PAUSE), self._clock()
        if call.began is not None and now - call.began < _TOLD_SECONDS <= call.sent - call.began:
            WAITING.info("%s waits for %s", call.request.operation, subject.lag.what)
        return True

    def _seen(self, call: _Call) -> None:
        """What a call waited for has become visible: that time was well spent."""
        if call.waits_for is None:
            return
        with self._lock:
            first = self._refused_at.pop(call.waits_for, None)
            if first is not None:
                self._waited = max(0.0, self._waited - (self._clock() - first))
        call.waits_for = None

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


def _told(seconds: float) -> str:
    return f"Waited {seconds:.0f} s" if seconds >= 1 else "This run has waited long enough"
