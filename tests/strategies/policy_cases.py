"""One request with its caller, its target and every kind of policy, as plain JSON and as the evaluator takes it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from secrets_pipeline.access.evaluator import Caller, Context, Decision, Policy, Request, TargetResource, authorize
from tests.strategies.policy_alphabet import HOME, Somebody, Thing

Document: TypeAlias = dict[str, Any]
Levels: TypeAlias = tuple[tuple[Document, ...], ...]

ALLOW_ALL: Final[Document] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
"""FullAWSAccess."""
RCP_ALLOW_ALL: Final[Document] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}
"""RCPFullAWSAccess, which AWS attaches everywhere."""


@dataclass(frozen=True, slots=True)
class Case:
    """One request with everything that has a say in it; plain JSON apart from the enumerations.

    Attributes:
        context: condition key → its values; a key that is not there is absent.
        scps: policies of each level, root first.
        rcps: the same, without RCPFullAWSAccess, which every level has.
    """

    caller: Somebody
    thing: Thing
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]
    identity: tuple[Document, ...] = ()
    boundary: Document | None = None
    session_policy: Document | None = None
    scps: Levels = ()
    rcps: Levels = ()
    policy: Document | None = None

    def asked(self, unknown: frozenset[str] = frozenset()) -> tuple[Request, Caller, TargetResource]:
        """What the evaluator is asked.

        Args:
            unknown: condition keys that nobody can know.
        """
        values = {key.lower(): found for key, found in self.context.items() if key not in unknown}
        context = Context(values, frozenset(key.lower() for key in unknown))
        who = self.caller
        caller = Caller(
            who.arn,
            who.account_id,
            who.kind,
            session=who.session,
            identity=_policies("identity", self.identity),
            boundary=None if self.boundary is None else Policy("boundary", self.boundary),
            session_policies=None if self.session_policy is None else (Policy("session", self.session_policy),),
            scps=tuple(_policies(f"SCP {number}", level) for number, level in enumerate(self.scps)),
        )
        target = TargetResource(
            self.resource,
            HOME,
            self.thing.layer,
            policy=None if self.policy is None else Policy("resource", self.policy),
            rcps=tuple(_policies(f"RCP {number}", (RCP_ALLOW_ALL, *level)) for number, level in enumerate(self.rcps)),
        )
        return Request(self.action, context), caller, target

    def decide(self, unknown: frozenset[str] = frozenset()) -> Decision:
        """The evaluator's answer."""
        return authorize(*self.asked(unknown))

    def value(self, key: str) -> tuple[str, ...]:
        """The values of a condition key in any case; nothing where it is absent."""
        return next((found for name, found in self.context.items() if name.lower() == key.lower()), ())

    def documents(self) -> list[Document]:
        """Every policy of it."""
        levels = [document for level in (*self.scps, *self.rcps) for document in level]
        single = [one for one in (self.boundary, self.session_policy, self.policy) if one is not None]
        return [*self.identity, *levels, *single]

    def changed(self, number: int, document: Document) -> Case:
        """The same with another document in the place of one of `documents()`."""
        numbers = itertools.count()
        return self.mapped(lambda one: document if next(numbers) == number else one)

    def mapped(self, change: Callable[[Document], Document]) -> Case:
        """The same with every document put through a change, in the order of `documents()`."""
        return replace(
            self,
            identity=tuple(change(one) for one in self.identity),
            scps=tuple(tuple(change(one) for one in level) for level in self.scps),
            rcps=tuple(tuple(change(one) for one in level) for level in self.rcps),
            boundary=None if self.boundary is None else change(self.boundary),
            session_policy=None if self.session_policy is None else change(self.session_policy),
            policy=None if self.policy is None else change(self.policy),
        )


def _policies(name: str, documents: Sequence[Document]) -> tuple[Policy, ...]:
    return tuple(Policy(f"{name} {number}", one) for number, one in enumerate(documents, 1))
