"""The WSGI application: moto, corrected, serialised per service and counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from threading import RLock, local
from typing import TYPE_CHECKING, Any

from moto.core.responses import BaseResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from secrets_pipeline.local import corrections
from secrets_pipeline.local.calls import CALLS_PATH, Call, CallLog

if TYPE_CHECKING:
    from flask import Flask

StartResponse = Callable[..., Any]
Environ = dict[str, Any]

# Secrets Manager has a lock of its own, SQS waits for messages, a Lambda function may call Lambda.
UNSERIALISED = frozenset({"secretsmanager", "sqs", "moto_api", "instance_metadata"})
_INVOCATIONS = "/invocations"
_current = local()


def _create_app(service: Any) -> Flask:  # noqa: ANN401 - a Literal of 150 names
    corrections.install(str(service))
    return create_backend_app(service)


class Application:
    """Serves every AWS service that moto has, and `/_local/…`."""

    def __init__(self) -> None:
        self.log = CallLog()
        self._moto = DomainDispatcherApplication(_create_app)
        self._locks: defaultdict[str, RLock] = defaultdict(RLock)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"] == CALLS_PATH:
            return self._calls(environ["REQUEST_METHOD"], start_response)
        app = self._moto.get_application(environ)
        _current.call = None

        def counted(status: str, *rest: Any) -> Any:  # noqa: ANN401 - WSGI
            if _current.call is not None:
                self.log.record(replace(_current.call, status=int(status.split(" ", 1)[0])))
            return start_response(status, *rest)

        with self._turn(str(app.service), environ["PATH_INFO"]):  # type: ignore[attr-defined] # moto sets it
            return app(environ, counted)

    def _turn(self, service: str, path: str) -> AbstractContextManager[Any]:
        """One request of a service at a time: moto's models are not made for threads."""
        if service in UNSERIALISED or path.rstrip("/").endswith(_INVOCATIONS):
            return nullcontext()
        return self._locks[service]

    def _calls(self, method: str, start_response: StartResponse) -> Iterable[bytes]:
        if method == "DELETE":
            self.log.reset()
        body = self.log.to_json().encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


def watch_calls() -> None:
    """Let every dispatcher of moto note which operation it performs, for whom."""
    setup = BaseResponse.setup_class

    def noted(response: BaseResponse, request: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - moto's
        setup(response, request, *args, **kwargs)
        service = str(response.service_name)
        operation = request.method if service == "s3" else response._get_action() or request.method  # noqa: SLF001 - moto's own
        _current.call = Call(
            service=service,
            operation=operation,
            account_id=response.current_account,
            region=response.region,
            principal=_principal(response),
            status=0,
        )

    BaseResponse.setup_class = noted  # type: ignore[assignment,method-assign] # the only place that knows all of this


def _principal(response: BaseResponse) -> str:
    backend = sts_backends[response.current_account][get_partition(response.region)]
    role = backend.get_assumed_role_from_access_key(response.access_key)
    return str(role.role_arn if role else response.access_key)
