"""Examples of AWS's documentation: a page, what it says, the documents as it has them with fictitious names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Decision,
    Layer,
    Policy,
    PrincipalKind,
    Request,
    TargetResource,
    authorize,
)

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """One sentence of a page.

    Attributes:
        page: guide and page.
        says: what it says, in a few words.
        owner: account of the resource.
        by: the layer that decides.
        context: condition key → its value or values.
    """

    page: str
    says: str
    caller: Caller
    action: str
    resource: str
    allowed: bool | None
    by: Layer
    owner: str = "111122223333"
    layer: Layer = Layer.SECRET_POLICY
    policy: Document | None = None
    rcps: tuple[tuple[Document, ...], ...] = ()
    grants: tuple[Policy, ...] = ()
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()

    def decide(self) -> Decision:
        """The evaluator's answer."""
        values = {
            key.lower(): (found,) if isinstance(found, str) else tuple(found) for key, found in self.context.items()
        }
        return authorize(
            Request(self.action, Context(values, self.unknown)),
            self.caller,
            TargetResource(
                self.resource,
                self.owner,
                self.layer,
                policy=None if self.policy is None else Policy("resource policy", self.policy),
                rcps=tuple(tuple(Policy("RCP", one) for one in level) for level in self.rcps),
                grants=self.grants,
            ),
        )


def check(example: Example) -> None:
    """Assert that the evaluator says what the page says, and that the same layer decides."""
    decision = example.decide()
    assert decision.allowed is example.allowed, decision
    assert decision.decided_by.layer is example.by, decision


def parameters(examples: Sequence[Example]) -> list[Any]:
    """The examples as pytest's parameters, named by page and sentence."""
    return [pytest.param(one, id=f"{one.page}: {one.says}") for one in examples]


def statement(
    effect: str, action: str | Sequence[str], resource: str | Sequence[str] = "*", **more: object
) -> Document:
    """One statement; `more` has its other elements."""
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def document(*statements: Document, version: str = "2012-10-17") -> Document:
    """A policy document."""
    return {"Version": version, "Statement": list(statements)}


ALLOW_ALL = document(statement("Allow", "*"))


def user(name: str, *identity: Document, account: str = "111122223333", **more: object) -> Caller:
    """An IAM user with its policies."""
    return _caller(f"arn:aws:iam::{account}:user/{name}", account, PrincipalKind.USER, identity, more)


def role(name: str, *identity: Document, account: str = "111122223333", **more: object) -> Caller:
    """A session of a role with its policies; session=None stands for any."""
    return _caller(
        f"arn:aws:iam::{account}:role/{name}",
        account,
        PrincipalKind.ROLE,
        identity,
        {"session": "session", **more},
    )


def root(account: str = "111122223333", **more: object) -> Caller:
    """An account's root user."""
    return _caller(f"arn:aws:iam::{account}:root", account, PrincipalKind.ROOT, (), more)


def federated_user(name: str, *identity: Document, account: str = "111122223333", **more: object) -> Caller:
    """A session of GetFederationToken."""
    return _caller(
        f"arn:aws:sts::{account}:federated-user/{name}", account, PrincipalKind.FEDERATED_USER, identity, more
    )


def service(name: str) -> Caller:
    """An AWS service that calls for itself."""
    return Caller(name, "", PrincipalKind.SERVICE)


def provider(name: str) -> Caller:
    """Somebody with a token of an identity provider, of no account yet."""
    return Caller(name, "", PrincipalKind.IDENTITY_PROVIDER)


def _caller(
    arn: str, account: str, kind: PrincipalKind, identity: Sequence[Document], more: Mapping[str, Any]
) -> Caller:
    boundary, session_policy = more.get("boundary"), more.get("session_policy")
    return Caller(
        arn,
        account,
        kind,
        session=more.get("session"),
        identity=tuple(Policy("identity policy", one) for one in identity),
        boundary=None if boundary is None else Policy("boundary", boundary),
        session_policies=None if session_policy is None else (Policy("session policy", session_policy),),
        scps=tuple(tuple(Policy("SCP", one) for one in level) for level in more.get("scps", ())),
        context=Context({key.lower(): (value,) for key, value in more.get("tags", {}).items()}),
    )
