"""The WSGI application: moto, corrected, serialised per service, counted, and troubled when told to."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from threading import RLock, local
from typing import Any, NoReturn

from moto import backends
from moto.core import responses
from moto.core.responses import BaseResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from secrets_pipeline.emulator import services
from secrets_pipeline.emulator.control.calls import CALLS_PATH, CallLog, CountedCall
from secrets_pipeline.emulator.control.control import (
    CONDITIONS_PATH,
    Conditions,
    Environ,
    ServerControl,
    StartResponse,
    answer,
)
from secrets_pipeline.emulator.control.events import (
    DISORDER_PATH,
    EMIT_PATH,
    SETTLE_PATH,
    DisorderControl,
    EmitControl,
    SettleControl,
)
from secrets_pipeline.emulator.control.faults import FAULTS_PATH
from secrets_pipeline.emulator.control.lambda_faults import MISHAPS, MISHAPS_PATH
from secrets_pipeline.emulator.control.latency import LATENCY_PATH, Latency
from secrets_pipeline.emulator.control.lists import LAG, LISTS_PATH
from secrets_pipeline.emulator.control.pace import PACE, PACE_PATH
from secrets_pipeline.emulator.control.quotas import QUOTAS_PATH
from secrets_pipeline.emulator.control.rights import RIGHTS, RIGHTS_PATH
from secrets_pipeline.emulator.control.rollouts import ROLLOUTS, ROLLOUTS_PATH
from secrets_pipeline.emulator.control.timing import CLOCK_PATH, ClockControl
from secrets_pipeline.emulator.core.error_responses import answer_failure, error_code
from secrets_pipeline.emulator.core.requests import operation_of
from secrets_pipeline.emulator.server.admission import Gate, Passage, cut
from secrets_pipeline.emulator.server.direct import DirectApp
from secrets_pipeline.emulator.server.entrance import Entrance
from secrets_pipeline.emulator.services import cloudtrail
from secrets_pipeline.emulator.services.propagation import PROPAGATION

# Secrets Manager has a lock of its own, SQS waits for messages, a Lambda function may call Lambda.
UNSERIALISED = frozenset({"secretsmanager", "sqs", "moto_api", "instance_metadata"})
_LOG = logging.getLogger(__name__)
_INVOCATIONS = "/invocations"
_ERRORS = 400
_current = local()


def _create_app(service: Any) -> DirectApp:  # noqa: ANN401 - a Literal of 150 names
    services.install(str(service))
    app = create_backend_app(service)
    # Moto sets debug mode so that exceptions propagate. Debug mode also makes Flask wrap every request.
    app.debug = False
    app.config["PROPAGATE_EXCEPTIONS"] = True
    return DirectApp(app)


@dataclass(slots=True)
class _Answer:
    """What moto answers, held back until it is known whether the client gets it."""

    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)

    def start(
        self, status: str, headers: list[tuple[str, str]], _exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return _never_written_to

    @property
    def code(self) -> int:
        return int(self.status.split(" ", 1)[0])


def _never_written_to(_data: bytes) -> NoReturn:
    """WSGI's second way to send a body, which Flask does not use."""
    raise RuntimeError("moto answers through Flask, which never writes a body this way: report this as a bug")


class Application:
    """Serves every AWS service that moto has, and `/_local/…`, to whom the entrance lets in."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self.log = CallLog()
        self._gate = Gate()
        conditions: dict[str, ServerControl] = {
            LISTS_PATH: LAG,
            LATENCY_PATH: self._gate.latency,
            QUOTAS_PATH: self._gate.quotas,
            FAULTS_PATH: self._gate.faults,
            ROLLOUTS_PATH: ROLLOUTS,
            DISORDER_PATH: DisorderControl(),
            MISHAPS_PATH: MISHAPS,
            CLOCK_PATH: ClockControl(),
            PACE_PATH: PACE,
        }
        self._controls: dict[str, ServerControl] = {
            **conditions,
            CONDITIONS_PATH: Conditions(conditions),
            CALLS_PATH: self.log,
            RIGHTS_PATH: RIGHTS,
            EMIT_PATH: EmitControl(),
            SETTLE_PATH: SettleControl(),
        }
        self._moto: Any = DomainDispatcherApplication(_create_app)  # type: ignore[arg-type] # typed as Flask's
        self._locks: defaultdict[str, RLock] = defaultdict(RLock)

    @property
    def troubles_connections(self) -> bool:
        """Whether latency is set or a fault is armed: a caller has to be connected to notice them."""
        return self._gate.latency.now != Latency() or self._gate.faults.armed

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        refusal = self._entrance.refusal(environ)
        if refusal is not None:
            return refusal(environ, start_response)
        control = self._controls.get(environ["PATH_INFO"])
        if control is not None:
            return answer(control, environ, start_response)
        app = self._moto.get_application(environ)
        service = app.service
        if seconds := self._gate.latency.now.of(service):
            time.sleep(seconds)
        passage, answered = Passage(), _Answer()
        _current.passage, _current.gate, _current.called = passage, self._gate, None
        with self._turn(service, environ["PATH_INFO"]):
            try:
                body: Iterable[bytes] = app(environ, answered.start)
            except Exception as error:  # noqa: BLE001 - whatever moto raises, and it is logged
                # A bug of moto's or of ours: AWS answers for its own bugs, too.
                _LOG.exception("%s failed", passage.call.operation if passage.call else environ["PATH_INFO"])
                body = answer_failure(passage.response, error)(environ, answered.start)
        if passage.call is not None:
            body = self._record(passage, answered, body)
        if not passage.answered:
            _close(body)
            cut(passage, environ["werkzeug.socket"])
        start_response(answered.status, answered.headers)
        return body

    def _turn(self, service: str, path: str) -> AbstractContextManager[Any]:
        """One request of a service at a time: moto's models are not made for threads."""
        if service in UNSERIALISED or path.rstrip("/").endswith(_INVOCATIONS):
            return nullcontext()
        return self._locks[service]

    def _record(self, passage: Passage, answered: _Answer, body: Iterable[bytes]) -> Iterable[bytes]:
        """Count one call; the answer's body, which an error's code was read from."""
        code, error, told = answered.code, "", b""
        called: cloudtrail.Called | None = _current.called
        if not passage.answered and not passage.performed:
            code = 0
        elif code >= _ERRORS:
            sent = [b"".join(body)]
            _close(body)
            body, error = sent, error_code(passage.service, code, answered.headers, sent[0])
        else:
            written = PROPAGATION.written_by(passage.response)
            if called is not None or written is not None:
                sent = [b"".join(body)]
                _close(body)
                body, told = sent, sent[0]
                if written is not None:
                    written(sent[0])
        if passage.call is not None:
            self.log.record(replace(passage.call, status=code, error=error))
        if code and called is not None:
            cloudtrail.record(called, error, told)
        return body


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()


def list_once() -> None:
    """Let moto list its modules and a class's methods, and match a host with 150 services, once and not per request."""
    modules = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    names: Any = responses  # an imported name, which typing does not count as the module's own
    names.method_names_from_class = cache(names.method_names_from_class)
    dispatcher: Any = DomainDispatcherApplication
    dispatcher.get_backend_for_host = cache(dispatcher.get_backend_for_host)


def watch_calls() -> None:
    """Let every dispatcher of moto say which operation it performs, for whom, before it does."""
    setup = BaseResponse.setup_class

    def noted(response: BaseResponse, request: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - moto's
        setup(response, request, *args, **kwargs)
        passage: Passage | None = getattr(_current, "passage", None)
        # Some dispatchers set up twice for one request.
        if passage is not None and passage.call is None:
            gate: Gate = _current.gate
            _current.called = cloudtrail.observed(response)
            gate.admit(passage, _call(response, request), response)

    BaseResponse.setup_class = noted  # type: ignore[assignment,method-assign] # the only place that knows all of this


def _call(response: BaseResponse, request: Any) -> CountedCall:  # noqa: ANN401 - moto's
    service = str(response.service_name)
    return CountedCall(
        service=service,
        operation=request.method if service == "s3" else operation_of(response) or request.method,
        account_id=response.current_account,
        region=response.region,
        principal=_principal(response),
        status=0,
    )


def _principal(response: BaseResponse) -> str:
    backend = sts_backends[response.current_account][get_partition(response.region)]
    role = backend.get_assumed_role_from_access_key(response.access_key)
    return str(role.role_arn if role else response.access_key)
