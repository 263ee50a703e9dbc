"""Let later calls not know yet of what was just written, as the table of `delays` says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from moto.sqs.models import Queue

from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.control.delays import UNSEEN, Unseen
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.error_responses import refuse
from secrets_pipeline.emulator.core.requests import operation_of
from secrets_pipeline.emulator.enforcement.request import AskedCall, asked_call
from secrets_pipeline.emulator.enforcement.resources import (
    function,
    function_arn,
    queue,
    queue_arn,
    queue_or_topic,
    role,
)

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse


class _Written(NamedTuple):
    """What a call wrote.

    Attributes:
        name: the same whenever the same thing is made anew.
        arns: under any of which later calls name it.
    """

    name: str
    arns: frozenset[str]


def _role(call: AskedCall, _answer: Mapping[str, Any]) -> _Written:
    return _Written(call.text("RoleName"), frozenset(role(call)))


def _function(call: AskedCall, _answer: Mapping[str, Any]) -> _Written:
    [arn] = function(call)
    return _Written(Arn.parse(arn).name, frozenset({arn}))


def _secret(call: AskedCall, answer: Mapping[str, Any]) -> _Written:
    name = str(answer.get("Name"))
    return _Written(name, frozenset({str(answer.get("ARN")), call.arn(f"secret:{name}")}))


def _key(call: AskedCall, answer: Mapping[str, Any]) -> _Written:
    return _Written(str(call.params), frozenset({str(answer["KeyMetadata"]["Arn"])}))


def _alias(call: AskedCall, _answer: Mapping[str, Any]) -> _Written:
    return _Written(call.text("AliasName"), frozenset({call.arn(call.text("AliasName"))}))


def _queue(call: AskedCall, _answer: Mapping[str, Any]) -> _Written:
    [arn] = queue(call)
    return _Written(Arn.parse(arn).name, frozenset({arn}))


def _of(form: str, service: str) -> Callable[[AskedCall, str], str]:
    """The ARN of a thing of a service, by its name in that form, or by the ARN itself."""
    return lambda call, given: given if Arn.match(given) else call.arn(form.format(given), service)


class _Kind(NamedTuple):
    """A kind of things that are written.

    Attributes:
        written: what a call wrote, by its answer.
        named: the ARN of such a thing by what a later call names it.
    """

    written: Callable[[AskedCall, Mapping[str, Any]], _Written]
    named: Callable[[AskedCall, str], str]


_KINDS: Mapping[str, _Kind] = {
    "iam:CreateRole": _Kind(_role, _of("role/{}", "iam")),
    "lambda:CreateFunction": _Kind(_function, function_arn),
    "lambda:AddPermission": _Kind(_function, function_arn),
    "secretsmanager:CreateSecret": _Kind(_secret, _of("secret:{}", "secretsmanager")),
    "kms:CreateKey": _Kind(_key, _of("key/{}", "kms")),
    "kms:CreateAlias": _Kind(_alias, _of("{}", "kms")),
    "sqs:CreateQueue": _Kind(_queue, queue_arn),
    "sqs:DeleteQueue": _Kind(_queue, queue_arn),
}
_MAKE_NOTHING_AGAIN = frozenset({"lambda:AddPermission", "secretsmanager:CreateSecret"})
"""Of a policy that is visible a further statement is taken to be visible too; a new secret has a new ARN."""


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
        if not self._remembers:
            return
        service, operation = str(response.boto3_service_name), operation_of(response)
        rows = [row for row in UNSEEN if {f"{service}:{operation}", f"{service}:*"} & {*row.calls}]
        call = asked_call(response) if rows else None
        for row in rows:
            if call is not None and self._hides(
                row, {_KINDS[row.write].named(call, one) for one in call.texts(*row.by)}
            ):
                refuse(response, row.status, row.code, row.message)

    def hides(self, call: str, arn: str) -> bool:
        """Whether what an ARN names is not visible yet.

        Args:
            call: to whom, as the table has it, for example `secretsmanager:*`.
            arn: of what was written.
        """
        return self._remembers and any(self._hides(row, {arn}) for row in UNSEEN if call in row.calls)

    @property
    def _remembers(self) -> bool:
        return bool(self._written) and self._since == PACE.since

    def _hides(self, row: Unseen, arns: set[str]) -> bool:
        with self._lock:
            written = [*self._written.get(row.write, {}).items()]
        return any(arns & one.arns and not PACE.is_over(row.delay, one.name, at) for one, at in written)

    def written_by(self, response: BaseResponse | None) -> Callable[[bytes], None] | None:
        """What takes the answer of a call, to remember what it wrote; None for one that is not remembered."""
        if response is None or not PACE.now.takes_time:
            return None
        call = f"{response.boto3_service_name}:{operation_of(response)}"
        kind = _KINDS.get(call)
        return (
            None if kind is None else lambda answer: self._note(call, kind.written(asked_call(response), _json(answer)))
        )

    def _note(self, call: str, written: _Written) -> None:
        with self._lock:
            if self._since != PACE.since:
                # Another pace, perhaps by a clock that was set back.
                self._written, self._since = {}, PACE.since
            if call == "lambda:CreateFunction":
                self._written.get("lambda:AddPermission", {}).pop(written, None)
            known, made = self._written.setdefault(call, {}), _made(call, written)
            # CreateQueue may find a queue that was there before anything took its time.
            if made >= self._since and (call not in _MAKE_NOTHING_AGAIN or written not in known):
                known[written] = made


def _made(call: str, written: _Written) -> float:
    """When it was made, in epoch seconds of this AWS: CreateQueue answers for a queue that is there, too."""
    held = [queue_or_topic(Arn.parse(one)) for one in written.arns] if call == "sqs:CreateQueue" else []
    return next((one.created_timestamp for one in held if isinstance(one, Queue)), CLOCK.now())


def _json(answer: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(answer)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


PROPAGATION = Propagation()
"""Of this process."""
