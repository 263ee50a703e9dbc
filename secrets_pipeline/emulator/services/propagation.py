"""Let later calls not know yet of what was just written, as the table of `delays` says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from secrets_pipeline.emulator.control.delays import UNSEEN, Unseen
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.error_responses import refuse
from secrets_pipeline.emulator.core.requests import operation_of, parameter_of, text_of

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse

_END = r"(?![\w+=,.@-])"


class _Written(NamedTuple):
    """What a call wrote.

    Attributes:
        name: the same whenever the same thing is made anew.
        pattern: finds it in the text of a later call.
    """

    name: str
    pattern: str


def _role(response: BaseResponse, _answer: Mapping[str, Any]) -> _Written:
    name = str(parameter_of(response, "RoleName"))
    return _Written(name, rf"::{response.current_account}:role/(?:[^\"\s]*/)?{re.escape(name)}{_END}")


def _function(response: BaseResponse, _answer: Mapping[str, Any]) -> _Written:
    given = json.loads(response.body or "{}").get("FunctionName")
    name = str(given or unquote(response.path).partition("/functions/")[2].partition("/")[0]).rpartition(":")[2]
    return _Written(name, rf"(?:{response.current_account}:function:|/functions/){re.escape(name)}{_END}")


def _secret(_response: BaseResponse, answer: Mapping[str, Any]) -> _Written:
    name, arn = str(answer.get("Name")), str(answer.get("ARN"))
    return _Written(name, rf"{re.escape(arn)}|\"SecretId\": ?\"{re.escape(name)}\"")


def _key(response: BaseResponse, answer: Mapping[str, Any]) -> _Written:
    return _Written(str(response.body), re.escape(str(answer["KeyMetadata"]["KeyId"])))


def _alias(response: BaseResponse, _answer: Mapping[str, Any]) -> _Written:
    name = str(parameter_of(response, "AliasName"))
    return _Written(name, rf"\"KeyId\": ?\"[^\"]*{re.escape(name)}\"")


def _queue(response: BaseResponse, _answer: Mapping[str, Any]) -> _Written:
    name = str(parameter_of(response, "QueueName") or str(parameter_of(response, "QueueUrl")).rpartition("/")[2])
    return _Written(name, rf"(?:{response.current_account}[:/]|\"QueueName\": ?\"){re.escape(name)}{_END}")


_WRITES: Mapping[str, Callable[[BaseResponse, Mapping[str, Any]], _Written]] = {
    "iam:CreateRole": _role,
    "lambda:CreateFunction": _function,
    "lambda:AddPermission": _function,
    "secretsmanager:CreateSecret": _secret,
    "kms:CreateKey": _key,
    "kms:CreateAlias": _alias,
    "sqs:CreateQueue": _queue,
    "sqs:DeleteQueue": _queue,
}


class Propagation:
    """Remembers what was written when, while anything takes its time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._written: dict[str, dict[_Written, float]] = {}
        self._since = 0.0

    def refuse_unseen(self, response: BaseResponse) -> None:
        """Refuse a call that names what is not visible to it yet.

        Raises:
            HTTPException: the answer that it gets instead.
        """
        if not self._written or self._since != PACE.since:
            return
        service, operation = str(response.boto3_service_name), operation_of(response)
        rows = [row for row in UNSEEN if {f"{service}:{operation}", f"{service}:*"} & {*row.calls}]
        text = text_of(response) if rows else ""
        for row in rows:
            if self._hides(row, text):
                refuse(response, row.status, row.code, row.message)

    def _hides(self, row: Unseen, text: str) -> bool:
        with self._lock:
            written = [*self._written.get(row.write, {}).items()]
        return any(not PACE.is_over(row.delay, one.name, at) and re.search(one.pattern, text) for one, at in written)

    def written_by(self, response: BaseResponse | None) -> Callable[[bytes], None] | None:
        """What takes the answer of a call, to remember what it wrote; None for one that is not remembered."""
        if response is None or not PACE.now.takes_time:
            return None
        call = f"{response.boto3_service_name}:{operation_of(response)}"
        write = _WRITES.get(call)
        return None if write is None else lambda answer: self._note(call, write(response, _json(answer)))

    def _note(self, call: str, written: _Written) -> None:
        with self._lock:
            if self._since != PACE.since:
                # Another pace, perhaps by a clock that was set back.
                self._written, self._since = {}, PACE.since
            if call == "lambda:CreateFunction":
                self._written.get("lambda:AddPermission", {}).pop(written, None)
            known = self._written.setdefault(call, {})
            # Of a policy that is visible a further statement is taken to be visible too.
            if call != "lambda:AddPermission" or written not in known:
                known[written] = CLOCK.now()


def _json(answer: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(answer)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


PROPAGATION = Propagation()
"""Of this process."""
