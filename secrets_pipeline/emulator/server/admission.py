"""Apply latency, quotas, faults and permissions to a call before and after moto performs it."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secrets_pipeline.emulator.control.control import Setting
from secrets_pipeline.emulator.control.faults import FaultAction, Faults
from secrets_pipeline.emulator.control.latency import Latency
from secrets_pipeline.emulator.control.quotas import Buckets
from secrets_pipeline.emulator.core.error_responses import refuse_broken, refuse_denied, refuse_throttled
from secrets_pipeline.emulator.enforcement import refuse_unauthorized
from secrets_pipeline.emulator.services.propagation import PROPAGATION

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse

    from secrets_pipeline.emulator.control.calls import CountedCall
    from secrets_pipeline.emulator.control.faults import InjectedFault

_INVOCATION = "amz-sdk-invocation-id"


@dataclass(slots=True)
class Passage:
    """One request on its way.

    Attributes:
        call: what it calls, once moto's dispatcher knows; None for what is no AWS call.
        service: botocore's name of the service.
        fault: the fault that it met.
        response: moto's, set up for the call.
    """

    call: CountedCall | None = None
    service: str = ""
    fault: InjectedFault | None = None
    response: BaseResponse | None = None

    @property
    def performed(self) -> bool:
        """Whether moto performed it, as far as a fault had a say."""
        return self.fault is None or self.fault.action in {FaultAction.KILL_AFTER, FaultAction.LOST}

    @property
    def answered(self) -> bool:
        """Whether the client gets an answer."""
        return self.fault is None or self.fault.action in {FaultAction.THROTTLE, FaultAction.ERROR, FaultAction.DENY}


class Gate:
    """Latency, quotas, faults and permissions of this server."""

    def __init__(self) -> None:
        self.latency = Setting(Latency)
        self.quotas = Buckets()
        self.faults = Faults()

    def admit(self, passage: Passage, call: CountedCall, response: BaseResponse) -> None:
        """Let a call through to moto, or not.

        Raises:
            HTTPException: the answer that it gets instead.
        """
        passage.call, passage.service, passage.response = call, response.boto3_service_name, response
        passage.fault = self.faults.due(call, str(response.headers.get(_INVOCATION, "")))
        if passage.fault is None:
            if not self.quotas.admits(call):
                refuse_throttled(response)
        elif passage.fault.action is FaultAction.THROTTLE:
            refuse_throttled(response)
        elif passage.fault.action is FaultAction.DENY:
            refuse_denied(response, call.operation)
        elif not passage.performed:
            _kill(passage.fault)
            refuse_broken(response)
        refuse_unauthorized(response)
        PROPAGATION.refuse_unseen(response)


def cut(passage: Passage, connection: socket.socket) -> None:
    """End a request without an answer.

    Raises:
        ConnectionError: for the server, which takes it for a client that has gone.
    """
    if passage.fault is not None:
        _kill(passage.fault)
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


def _kill(fault: InjectedFault) -> None:
    if fault.pid is not None:
        with suppress(ProcessLookupError):
            os.kill(fault.pid, signal.SIGKILL)
