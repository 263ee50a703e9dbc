"""Repeat calls, within bounds, that AWS refuses for a while, and no others; all clients of a run share the bounds."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from secrets_pipeline.aws import once
from secrets_pipeline.aws.consistency import Awaited, awaited
from secrets_pipeline.aws.made import Made, Params, Request
from secrets_pipeline.errors import THROTTLED, UNANSWERED

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from botocore.session import Session

SECONDS = 120.0
"""As long as Terraform's provider waits for IAM, Lambda and Secrets Manager."""
FRUITLESS_SECONDS = 2 * SECONDS
WAITED = "SecretsPipelineWaited"
"""Where an error's answer says what was waited for, and how long."""
WAITING = logging.getLogger("secrets_pipeline.waiting")
"""Is told, at level INFO, what a run waits for longer than some seconds."""
_TOLD_SECONDS = 10.0
_SHORTEST_PAUSE, _FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 0.5, 4.0
_SERVER_ERRORS = 500
_CALL = "secrets-pipeline-call"


class _Call:
    """One call on its way.

    Attributes:
        request: what is asked.
        sent: when its latest try was sent.
        began: when it was first refused; None as long as it was not.
        pause: seconds before the next try.
        waited_for: what it was refused for, the latest last.
    """

    def __init__(self, request: Request, sent: float) -> None:
        self.request, self.sent = request, sent
        self.began: float | None = None
        self.pause = _FIRST_PAUSE
        self.waited_for: list[Awaited] = []


class Patience:
    """Waits for what AWS does not show yet, and bounds how long one run does.

    What is waited for has its seconds from its first refusal on, whoever asks: two hundred policies with one principal
    that does not exist wait once. A call is refused for good only if it was sent after they were over: whose machine
    stood still looks again. Things of one kind that never became visible have a bound together; where it is used up,
    the next one of that kind is refused at once.

    Args:
        seconds: for each thing that is waited for.
        fruitless: seconds for all things of one kind that never became visible.
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
        self._given_up_at: dict[Awaited, float] = {}
        self._local = threading.local()

    def begin(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        """Begin a run, by a time of its own: nothing that an earlier one made is waited for any more."""
        with self._lock:
            self._clock, self._sleep = clock, sleep
            self._made, self._refused_at, self._given_up_at = Made(), {}, {}

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
        caught_exception: Exception | None = None,
        **_: object,
    ) -> float | None:
        """Handle botocore's event after a try: 0 has it tried again, None leaves that to the retry mode."""
        call = cast("_Call | None", request_dict["context"].get(_CALL))
        if call is None:
            return None
        http, answer = response or (None, {"Error": {"Code": type(caught_exception).__name__}})
        error: Mapping[str, Any] | None = answer.get("Error")
        if error is None:
            self._made.note(call.request, answer)
            self._over(call)
            return None
        now, code, message = self._clock(), str(error.get("Code")), str(error.get("Message"))
        self._made.note_refused(call.request, code)
        found = awaited(call.request, code, message, self._made)
        if found is None and _says_nothing(code, http):
            # The retry mode counts our tries as its own.
            found = call.waited_for[-1] if call.waited_for and _may_repeat(call.request, code) else None
        elif found is None:
            self._over(call)
        if found is None:
            return None
        call.waited_for.append(found)
        if call.began is None:
            call.began = now
        if not self._wait(call, found, now):
            answer["Error"] = {**error, WAITED: f"{_told(now - call.began)} for {found.lag.what}."}
            return None
        return 0.0

    def _wait(self, call: _Call, subject: Awaited, now: float) -> bool:
        """Sleep before the next try; False, at once, if there is no time left."""
        if getattr(self._local, "impatient", False):
            return False
        with self._lock:
            began = self._refused_at.setdefault(subject, now)
            end = began + self._seconds
            in_vain = [(self._refused_at[one], at) for one, at in self._given_up_at.items() if one.lag == subject.lag]
            left = self._fruitless - _together([*in_vain, (began, min(now, end))])
            if left <= 0 or call.sent >= end:
                self._given_up_at.setdefault(subject, min(now, end))
                return False
        self._sleep(max(_SHORTEST_PAUSE, min(call.pause, left, end - now)))
        call.pause, call.sent = min(2 * call.pause, _LONGEST_PAUSE), self._clock()
        if call.began is not None and now - call.began < _TOLD_SECONDS <= call.sent - call.began:
            WAITING.info("%s waits for %s", call.request.operation, subject.lag.what)
        return True

    def _over(self, call: _Call) -> None:
        """What a call waited for has become visible, so its time was well spent."""
        with self._lock:
            for one in call.waited_for:
                self._refused_at.pop(one, None)
                self._given_up_at.pop(one, None)


def _says_nothing(code: str, http: object) -> bool:
    """Whether an error leaves open what a call waits for: too many calls, a failure of AWS's, or no answer."""
    return code in THROTTLED | UNANSWERED or getattr(http, "status_code", 0) >= _SERVER_ERRORS


def _may_repeat(request: Request, code: str) -> bool:
    return code in THROTTLED or f"{request.service}.{request.operation}" not in once.OPERATIONS


def _together(spans: Iterable[tuple[float, float]]) -> float:
    """Seconds that spans of time take, each moment counted once."""
    seconds, until = 0.0, -math.inf
    for begin, end in sorted(spans):
        seconds += max(0.0, end - max(begin, until))
        until = max(until, end)
    return seconds


def _told(seconds: float) -> str:
    return f"Waited {seconds:.0f} s" if seconds >= 1 else "This run has waited long enough"
