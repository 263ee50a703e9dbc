"""Tell the errors that pass by themselves: what was just made is not visible everywhere yet, or still being changed.

IAM, KMS, SQS, Lambda and Secrets Manager are eventually consistent: a role that exists can be refused as principal for
some seconds, and a secret or alias that was just made can be unknown to the next call.
Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency,
https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency,
https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html and, for what the models do not list,
https://github.com/hashicorp/terraform-provider-aws/tree/main/internal/service
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Params: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lag:
    """The errors with which AWS answers for a while.

    Attributes:
        what: is waited for, for messages: a noun, and what becomes of it.
        codes: error codes.
        text: what the message says besides; None for any. A code alone does not tell a new principal from bad JSON.
        operations: that are waited for; none for any.
    """

    what: str
    codes: frozenset[str]
    text: re.Pattern[str] | None = None
    operations: frozenset[str] = frozenset()

    def explains(self, operation: str, code: str, message: str) -> bool:
        """Whether an error of an operation is one of them."""
        if code not in self.codes or (self.operations and operation not in self.operations):
            return False
        return self.text is None or self.text.search(message) is not None


_INVALID: Final = frozenset({"InvalidParameterException", "InvalidParameterValueException", "InvalidParameterValue"})
_UPDATES: Final = frozenset({"UpdateFunctionCode", "UpdateFunctionConfiguration", "TagResource", "DeleteFunction"})

NEW_RESOURCE: Final = Lag(
    "what was just made to become visible",
    frozenset({"ResourceNotFoundException", "NotFoundException", "NoSuchEntity"})
    | frozenset({"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}),
    # A secret without the value that is asked for is there.
    re.compile(r"^(?!.*secret value)", re.IGNORECASE),
)
"""Only where the request names what this run has made, or seen; see `Made`."""
NEW_PRINCIPAL: Final = Lag(
    "a principal of the policy to become visible",
    frozenset({"MalformedPolicyDocumentException", "MalformedPolicyDocument"}) | _INVALID,
    re.compile(r"(unsupported|invalid) principals?|principal was invalid", re.IGNORECASE),
)
LAGS: Final = (
    NEW_PRINCIPAL,
    Lag(
        "the function's role to become visible",
        _INVALID,
        re.compile(r"cannot be assumed by Lambda|does not have permissions to call", re.IGNORECASE),
        frozenset({"CreateFunction", "UpdateFunctionConfiguration"}),
    ),
    Lag(
        "the role of the rules to become visible",
        frozenset({"ValidationException"}),
        operations=frozenset({"PutTargets"}),
    ),
    Lag(
        "the log group to become visible",
        frozenset({"ResourceNotFoundException"}),
        operations=frozenset({"PutRetentionPolicy"}),
    ),
    Lag(
        "the secret's KMS key to become visible",
        frozenset({"ResourceNotFoundException"}),
        operations=frozenset({"CreateSecret"}),
    ),
    # A missing function may be answered alike; whoever rotates by one has looked for it.
    Lag(
        "Secrets Manager to see that it may invoke the function",
        frozenset({"AccessDeniedException", "InvalidRequestException"}),
        re.compile(r"cannot invoke the specified Lambda function", re.IGNORECASE),
        frozenset({"RotateSecret"}),
    ),
    Lag(
        "the function's update to end",
        frozenset({"ResourceConflictException"}),
        re.compile(r"update is in progress|following state: Pending", re.IGNORECASE),
        _UPDATES,
    ),
    Lag(
        "the dead-letter queue to become visible",
        _INVALID | {"InvalidAttributeValue"},
        re.compile(r"dead.letter target does not exist", re.IGNORECASE),
        frozenset({"CreateQueue", "SetQueueAttributes"}),
    ),
    # Parameter Store's, and none that botocore's retry modes repeat.
    Lag("another write of the parameter to end", frozenset({"TooManyUpdates"})),
    Lag(
        "a queue's name to become free, 60 seconds after it was deleted",
        frozenset({"QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently"}),
        operations=frozenset({"CreateQueue"}),
    ),
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request, as far as it decides what it waits for.

    Attributes:
        scope: the account and region that it goes to; any text that no other one has.
        service: botocore's name.
        operation: API operation, for example `PutResourcePolicy`.
        params: its parameters.
    """

    scope: str
    service: str
    operation: str
    params: Params = field(repr=False)


@dataclass(frozen=True, slots=True)
class Awaited:
    """What one call waits for.

    Attributes:
        lag: why.
        subject: what is not visible; calls that wait for the same one share its time.
    """

    lag: Lag
    subject: str


def awaited(request: Request, code: str, message: str, made: Made) -> Awaited | None:
    """Say what a refused call has to wait for; None where waiting does not help.

    Args:
        request: the refused one.
        code: AWS's error code.
        message: AWS's text.
        made: what this run has made.
    """
    if NEW_RESOURCE.explains(request.operation, code, message) and (named := made.named_in(request)):
        return Awaited(NEW_RESOURCE, named)
    for lag in LAGS:
        if lag.explains(request.operation, code, message):
            principals = ", ".join(sorted(_principals(request.params)))
            return Awaited(lag, principals or next(_texts(request.params), ""))
    return None


@dataclass(frozen=True, slots=True)
class _Making:
    """What an operation makes, or shows to be there.

    Attributes:
        params: parameters of its request that later requests may name it by.
        answer: the same of its answer; `KeyMetadata.Arn` is one inside another.
        later: operations of the same service that need it, and say that it is not there; none for all. Others may
            miss something else: GetPolicy of a new function finds no policy.
        part: parameter that tells it from others of the same name, here and in later requests.
    """

    params: tuple[str, ...] = ()
    answer: tuple[str, ...] = ()
    later: frozenset[str] = frozenset()
    part: str = ""

    def names(self, params: Params, answer: Params) -> Iterator[str]:
        """Names of what an answered request made; what an emulator leaves out is none."""
        found = (*(params.get(one) for one in self.params), *(_inside(answer, one) for one in self.answer))
        return (one for one in found if isinstance(one, str))


_OF_ROLES: Final = frozenset(
    {"GetRole", "PutRolePermissionsBoundary", "PutRolePolicy", "TagRole", "UpdateAssumeRolePolicy"}
)
_OF_FUNCTIONS: Final = frozenset(
    {"AddPermission", "GetFunction", "GetFunctionConfiguration", "ListTags", "TagResource"}
)
_OF_BUSES: Final = frozenset({"DescribeEventBus", "PutPermission", "PutRule", "TagResource"})
_OF_RULES: Final = frozenset({"DescribeRule", "ListTargetsByRule", "PutTargets", "TagResource"})
_MADE_BY: Final[Mapping[str, _Making]] = {
    "CreateSecret": _Making(("Name",), ("ARN",)),
    "CreateKey": _Making((), ("KeyMetadata.Arn", "KeyMetadata.KeyId")),
    "DescribeKey": _Making(("KeyId",), ("KeyMetadata.KeyId",)),
    "CreateAlias": _Making(("AliasName",)),
    "CreateQueue": _Making(("QueueName",), ("QueueUrl",)),
    "CreateRole": _Making(("RoleName",), (), _OF_ROLES),
    "GetRole": _Making(("RoleName",), (), _OF_ROLES),
    "PutRolePolicy": _Making(("RoleName",), (), frozenset({"GetRolePolicy"}), "PolicyName"),
    "CreateFunction": _Making(("FunctionName",), ("FunctionArn",), _OF_FUNCTIONS),
    "AddPermission": _Making(("FunctionName",), (), frozenset({"GetPolicy"})),
    "CreateEventBus": _Making(("Name",), ("EventBusArn",), _OF_BUSES),
    "PutRule": _Making(("Name",), ("RuleArn",), _OF_RULES),
}
_EXISTS: Final = frozenset(
    {"AlreadyExistsException", "EntityAlreadyExists", "ResourceConflictException", "ResourceExistsException"}
)
_NAMED_BY: Final = {
    "CreateAlias": "AliasName",
    "CreateFunction": "FunctionName",
    "CreateRole": "RoleName",
    "CreateSecret": "Name",
}
_GONE_BY: Final[Mapping[str, frozenset[str]]] = {
    "DeleteFunction": frozenset({"AddPermission", "CreateFunction"}),
    "DeleteRole": frozenset({"CreateRole", "GetRole", "PutRolePolicy"}),
    "DeleteRolePolicy": frozenset({"PutRolePolicy"}),
    "DeleteSecret": frozenset({"CreateSecret"}),
    "RemovePermission": frozenset({"AddPermission"}),
    "ScheduleKeyDeletion": frozenset({"CreateKey", "DescribeKey"}),
}
"""Operations that end what others made."""


@dataclass(frozen=True, slots=True)
class _Thing:
    """What was made.

    Attributes:
        by: the operation that made it.
        part: what tells it from others of the same names; empty for nothing.
        names: all of its names.
    """

    by: str
    part: str
    names: tuple[str, ...]

    @property
    def making(self) -> _Making:
        return _MADE_BY[self.by]

    def is_meant_by(self, params: Params) -> bool:
        """Whether a request of one of its names means it: one that names no part means all of them."""
        return bool(params.get(self.making.part, self.part) == self.part)


class Made:
    """What one run has made, or seen, by all the names that later requests may use."""

    def __init__(self) -> None:
        self._things: dict[tuple[str, str, str], set[_Thing]] = {}

    def note(self, request: Request, answer: Params) -> None:
        """Remember what an answered request made, or forget what it deleted."""
        making = _MADE_BY.get(request.operation)
        if making is not None:
            self._remember(request, *making.names(request.params, answer))
        ends = _GONE_BY.get(request.operation, frozenset())
        for thing in [one for name in _texts(request.params) if ends for one in self._named(request, name)]:
            if thing.by in ends and thing.is_meant_by(request.params):
                for name in thing.names:
                    self._things[self._key(request, name)].discard(thing)

    def note_refused(self, request: Request, code: str) -> None:
        """Remember that what a request could not make exists, as somebody else made it a moment ago."""
        if code in _EXISTS and request.operation in _NAMED_BY:
            self._remember(request, str(request.params.get(_NAMED_BY[request.operation])))

    def named_in(self, request: Request) -> str:
        """Name what a request needs that this run has made; empty for nothing."""
        for text in _texts(request.params):
            # An alias stands at the end of its ARN.
            for name in (text, text[text.rfind(":") + 1 :]):
                for thing in self._named(request, name):
                    needs = not thing.making.later or request.operation in thing.making.later
                    if needs and thing.is_meant_by(request.params):
                        return f"{name} {thing.part}".strip()
        return ""

    def _remember(self, request: Request, *names: str) -> None:
        thing = _Thing(request.operation, str(request.params.get(_MADE_BY[request.operation].part, "")), names)
        for name in names:
            self._things.setdefault(self._key(request, name), set()).add(thing)

    def _named(self, request: Request, name: str) -> tuple[_Thing, ...]:
        # Other threads may add to them.
        return tuple(self._things.get(self._key(request, name), ()))

    @staticmethod
    def _key(request: Request, name: str) -> tuple[str, str, str]:
        return request.scope, request.service, name


def _inside(answer: Params, path: str) -> object:
    """A member of an answer, at whatever depth."""
    found: object = answer
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _texts(value: object) -> Iterator[str]:
    """The texts of a request, at whatever depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _principals(params: Params) -> Iterator[str]:
    """The principals of the policy that a request puts."""
    for name in ("ResourcePolicy", "Policy"):
        document = params.get(name)
        if not isinstance(document, str):
            continue
        try:
            statements = json.loads(document).get("Statement", ())
        except (ValueError, AttributeError):
            continue
        for statement in statements if isinstance(statements, list) else [statements]:
            if isinstance(statement, Mapping):
                yield from _texts(statement.get("Principal"))
