"""Know what a run has made, so that a later request which does not find it is told from one for what never was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import jmespath

Params: TypeAlias = Mapping[str, Any]


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
class _Making:
    """What an operation makes, or shows to be there.

    Attributes:
        params: parameters of its request that later requests may name it by.
        answer: the same of its answer, each as JMESPath.
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
        found = (*(params.get(one) for one in self.params), *(jmespath.search(one, answer) for one in self.answer))
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
    "DeleteQueue": frozenset({"CreateQueue"}),
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
        for thing in [one for name in texts(request.params) if ends for one in self._named(request, name)]:
            if thing.by in ends and thing.is_meant_by(request.params):
                for name in thing.names:
                    self._things[self._key(request, name)].discard(thing)

    def note_refused(self, request: Request, code: str) -> None:
        """Remember that what a request could not make exists, as somebody else made it a moment ago."""
        if code in _EXISTS and request.operation in _NAMED_BY:
            self._remember(request, str(request.params.get(_NAMED_BY[request.operation])))

    def named_in(self, request: Request) -> str:
        """Name what a request needs that this run has made; empty for nothing."""
        for text in texts(request.params):
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


def texts(value: object) -> Iterator[str]:
    """The texts of a request, at whatever depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts(one)
