"""Real boto3 clients whose calls end in the simulation instead of a socket.

botocore serialises and checks every request and reads every answer; what lies between is the simulation's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import botocore.parsers

from secrets_pipeline.aws.pacer import Pacer
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.emulator.core.fault import Fault
from tests.simulation.rds import ACCOUNT, REGION

TARGET = Target(region=REGION, account_id=ACCOUNT)
ELSEWHERE = ("us-east-1", "us-west-2")
"""Regions of replicas."""

Answer = Callable[[str, str, Mapping[str, Any], str], Mapping[str, Any]]
"""(service, operation, parameters, region) → AWS's answer; raises `Fault`, or what botocore raises where a line breaks.
"""

_PARAMETERS = "simulation"
_PARSER = botocore.parsers.create_parser("json")


class _Http:
    """As much of a response as botocore looks at."""

    headers: Mapping[str, str] = {}

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


class Wire:
    """The clients of one actor; making them takes long, so they serve one seed after another.

    Attributes:
        sessions: what a `World` is given.
        answer: performs a call.
    """

    def __init__(self) -> None:
        self._base = boto3.Session("simulation", "simulation", region_name=REGION)
        self.sessions = Sessions(self._base, read_only=False, pacers=lambda *_: Pacer(sleep=lambda _: None))
        self.answer: Answer = _nobody
        self._accounts = [
            self.sessions.for_target(TARGET.model_copy(update={"region": region})) for region in (REGION, *ELSEWHERE)
        ]
        self._clients: dict[str, Any] = {}
        emitters = [one.botocore_session.get_component("event_emitter") for one in self._accounts]
        for events in (self._base.events, *emitters):
            events.register_last("before-parameter-build", self._remember)
            events.register("before-call", self._call)

    def fresh(self, answer: Answer) -> Wire:
        """Serve another run, which knows nothing yet."""
        self.answer = answer
        for account in self._accounts:
            account._account_id = None
        return self

    def client(self, service: str, **more: Any) -> Any:  # noqa: ANN401 - boto3 ships no types
        """A plain client, as `boto3.client` makes one."""
        if service not in self._clients:
            make: Callable[..., Any] = self._base.client
            self._clients[service] = make(service, **more)
        return self._clients[service]

    def _remember(self, *, params: Mapping[str, Any], context: dict[str, Any], **_: object) -> None:
        context[_PARAMETERS] = params

    def _call(self, *, model: Any, params: Mapping[str, Any], context: Mapping[str, Any], **_: object) -> Any:  # noqa: ANN401 - botocore's
        service, as_json = model.service_model.service_name, model.service_model.protocol == "json"
        given = json.loads(params["body"]) if as_json else context[_PARAMETERS]
        try:
            answer = self.answer(service, model.name, given, context["client_region"])
        except Fault as fault:
            error = {"Error": {"Code": fault.error_type, "Message": fault.message}, "ResponseMetadata": {}}
            return _Http(int(fault.code)), error
        if not as_json:
            return _Http(200), {**answer, "ResponseMetadata": {}}
        sent = {"body": json.dumps(answer).encode(), "headers": {}, "status_code": 200}
        return _Http(200), _PARSER.parse(sent, model.output_shape)


def _nobody(service: str, operation: str, _params: Mapping[str, Any], _region: str) -> Mapping[str, Any]:
    raise RuntimeError(f"{service} {operation} outside of any run")
