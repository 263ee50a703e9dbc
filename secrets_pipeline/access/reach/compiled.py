"""Compile a snapshot for the evaluator: its policies once each, its principals and secrets by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Layer,
    Levels,
    Policy,
    PrincipalKind,
    TargetResource,
    UnreadPolicies,
    grant_policy,
)
from secrets_pipeline.access.evaluator.document import understood
from secrets_pipeline.access.reach.organization import Membership
from secrets_pipeline.access.reach.reader import NETWORK_KEYS, ReadableKey, ReadableSecret, Reader
from secrets_pipeline.access.reach.request_keys import (
    FEDERATION_KEYS,
    ROLE_KEYS,
    SESSION_KEYS,
    about_key,
    about_moment,
    about_principal,
    about_secret,
    about_unread,
)
from secrets_pipeline.access.snapshot.model import (
    AccountSnapshot,
    KeySnapshot,
    PrincipalSnapshot,
    SecretSnapshot,
    Snapshot,
)
from secrets_pipeline.arn import account_of

_PRINCIPAL = re.compile(r"arn:[\w-]+:(?:iam|sts)::(?P<account>\d{12}):(?P<kind>role|user)/(?P<name>.+)")
_IN_ACCOUNT = re.compile(r"arn:[\w-]+:(?:iam|sts)::(?P<account>\d{12}):(?:(?P<kind>[\w-]+)/)?.+")
_ROOT = re.compile(r"arn:[\w-]+:iam::(?P<account>\d{12}):root")
_KINDS = {"user": PrincipalKind.USER, "federated-user": PrincipalKind.FEDERATED_USER}
_FEDERATION = UnreadPolicies(
    "only its session knows whose federation token it is, and which policies were passed for it"
)
"""A federated user may what both the user who asked for its token and the policies that were passed may.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
"""
_SERVICE_KEYS = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"})
"""On whose behalf a service asks."""


class CompiledSnapshot:
    """Everybody and everything of one snapshot.

    Args:
        snapshot: what was read.
        organization_policies: what stands in for SCPs and RCPs that could not be read.

    Attributes:
        snapshot: the same.
    """

    def __init__(self, snapshot: Snapshot, *, organization_policies: Literal["unknown", "allow"] = "unknown") -> None:
        self.snapshot = snapshot
        self._membership = Membership(snapshot, assume_allowed=organization_policies == "allow")
        self._managed: dict[str, Policy | UnreadPolicies] = {}
        self._readers: dict[str, Reader] = {}
        self._keys: dict[str, ReadableKey] = {}
        self._secrets: dict[str, ReadableSecret] = {}
        self._principals = {
            principal.arn: principal for account in snapshot.accounts.values() for principal in account.principals
        }
        self._by_name = {secret.name: secret for secret in snapshot.secrets}
        self._request = Context(
            {"aws:securetransport": ("true",), **about_moment(snapshot.taken_at)},
            NETWORK_KEYS,
        )

    @property
    def principals(self) -> tuple[PrincipalSnapshot, ...]:
        """The roles and users of every account that was read."""
        return tuple(self._principals.values())

    def principal(self, arn: str) -> PrincipalSnapshot | None:
        """A role or user, or None if there is none, or its account was not read."""
        return self._principals.get(arn)

    def account(self, account_id: str) -> AccountSnapshot:
        """An account; one that the snapshot does not hold is unread."""
        unread = AccountSnapshot(account_id=account_id, unread=f"account {account_id} is not part of the snapshot")
        return self.snapshot.accounts.get(account_id, unread)

    def missing(self, arn: str) -> str:
        """Why there is no such role or user; empty if there is, or nobody could look."""
        named = _PRINCIPAL.fullmatch(arn)
        if named is None or arn in self._principals or self.account(named["account"]).unread:
            return ""
        return f"{named['kind']} {named['name']} does not exist in account {named['account']}"

    def reader(self, arn: str) -> Reader:
        """A role or user as a reader; what could not be read of it is unknown."""
        if arn not in self._readers:
            self._readers[arn] = Reader(self._caller(arn))
        return self._readers[arn]

    def caller(self, arn: str) -> Caller:
        """A role or user with everything that limits it."""
        return self.reader(arn).caller

    def administers(self, arn: str) -> bool:
        """Whether a role or user may do everything in the account of the secrets; see `Caller.administers`.

        One of another account reads only what a policy here opened to it, so it is none.
        """
        caller = self.caller(arn)
        return caller.account_id == self.snapshot.account_id and caller.administers

    def role_context(self, account_id: str) -> Context:
        """Keys about a role that somebody wants to assume, and about the moment."""
        of = self._membership.context(account_id, "resource")
        return Context({**of.values, **about_moment(self.snapshot.taken_at)}, of.unknown)

    def secret(self, name: str) -> ReadableSecret | None:
        """A secret with its keys, or None if there is none."""
        found = self._by_name.get(name)
        if found is None:
            return None
        if name not in self._secrets:
            self._secrets[name] = self._readable(found)
        return self._secrets[name]

    def levels(self, account_id: str, kind: Literal["scps", "rcps"]) -> Levels | UnreadPolicies:
        """The policies of an organisation that an account is under."""
        return self._membership.levels(account_id, kind)

    def _caller(self, arn: str) -> Caller:
        named = _IN_ACCOUNT.fullmatch(arn)
        account_id = named["account"] if named else ""
        account = self.account(account_id)
        root = _ROOT.fullmatch(arn)
        if root is not None:
            # Stands for whoever that account lets: its own policies are its business.
            of = self._membership.context(root["account"], "principal")
            anyones = of.unknown | SESSION_KEYS | ROLE_KEYS | {"aws:username"}
            return Caller(
                arn,
                root["account"],
                PrincipalKind.ROOT,
                scps=self.levels(root["account"], "scps"),
                context=Context(of.values, anyones, ("aws:principaltag/", *FEDERATION_KEYS)),
            )
        if not arn.startswith("arn:"):
            return Caller(arn, "", PrincipalKind.SERVICE, context=Context(unknown=_SERVICE_KEYS))
        kind = _KINDS.get(named["kind"] if named else "", PrincipalKind.ROLE)
        belonging = self._membership.context(account_id, "principal")
        principal = self._principals.get(arn)
        if principal is None:
            identity: tuple[Policy, ...] | UnreadPolicies = UnreadPolicies(account.unread) if account.unread else ()
            federated = kind is PrincipalKind.FEDERATED_USER
            return Caller(
                arn,
                account_id,
                kind,
                identity=_FEDERATION if federated else identity,
                boundary=UnreadPolicies(account.unread) if account.unread else None,
                session_policies=_FEDERATION if federated else None,
                scps=self.levels(account_id, "scps"),
                context=about_unread(arn, kind, belonging, tags_known=not (account.unread or federated)),
            )
        return Caller(
            arn,
            account_id,
            kind,
            identity=self._identity(account, principal),
            boundary=self._managed_policy(account, principal.boundary) if principal.boundary else None,
            scps=self.levels(account_id, "scps"),
            context=about_principal(principal, belonging),
        )

    def _identity(self, account: AccountSnapshot, principal: PrincipalSnapshot) -> tuple[Policy, ...] | UnreadPolicies:
        """Inline and managed policies of a principal and of its groups; unread if one of them is."""
        found: list[Policy | UnreadPolicies] = [*self._inline(principal.arn, principal.inline)]
        attached = list(principal.attached)
        for name in principal.groups:
            group = account.groups.get(name)
            if group is None:
                return UnreadPolicies(f"group {name} was not read")
            found += self._inline(f"group {name}", group.inline)
            attached += group.attached
        found += [self._managed_policy(account, arn) for arn in dict.fromkeys(attached)]
        unread = next((one for one in found if isinstance(one, UnreadPolicies)), None)
        return unread or tuple(one for one in found if isinstance(one, Policy))

    def _inline(self, owner: str, documents: Mapping[str, Mapping[str, object]]) -> Sequence[Policy | UnreadPolicies]:
        of = f" of {owner}" if owner.startswith("group ") else ""
        return [understood(f"inline policy {name}{of}", document) for name, document in documents.items()]

    def _managed_policy(self, account: AccountSnapshot, arn: str) -> Policy | UnreadPolicies:
        if arn not in account.managed:
            return UnreadPolicies(f"managed policy {arn} was not read")
        if arn not in self._managed:
            self._managed[arn] = understood(arn, account.managed[arn])
        return self._managed[arn]

    def _readable(self, secret: SecretSnapshot) -> ReadableSecret:
        snapshot = self.snapshot
        policy: Policy | UnreadPolicies | None = None
        if secret.unread:
            policy = UnreadPolicies(secret.unread)
        elif secret.policy is not None:
            policy = understood("secret policy", secret.policy)
        target = TargetResource(
            secret.arn,
            snapshot.account_id,
            Layer.SECRET_POLICY,
            policy,
            self.levels(snapshot.account_id, "rcps"),
            context=about_secret(secret, self._membership.context(snapshot.account_id, "resource")),
        )
        return ReadableSecret(target, secret.name, snapshot.region, tuple(map(self._key, secret.keys)), self._request)

    def _key(self, arn: str) -> ReadableKey:
        if arn not in self._keys:
            unread = KeySnapshot(arn=arn, state="", unread=f"key {arn} was not read")
            self._keys[arn] = self._readable_key(self.snapshot.keys.get(arn, unread))
        return self._keys[arn]

    def _readable_key(self, key: KeySnapshot) -> ReadableKey:
        account_id = account_of(key.arn)
        grants = [
            grant_policy(
                one.grant_id,
                one.grantee,
                one.operations,
                equals=one.equals,
                subset=one.subset,
                source_arn=one.source_arn,
            )
            for one in key.grants
        ]
        target = TargetResource(
            key.arn,
            account_id,
            Layer.KEY_POLICY,
            UnreadPolicies(key.unread or "its policy was not read")
            if key.policy is None
            else understood("key policy", key.policy),
            # They do not reach AWS managed keys: the Organizations User Guide, "Resource control policies (RCPs)".
            () if key.aws_managed else self.levels(account_id, "rcps"),
            UnreadPolicies(key.unread) if key.unread else tuple(grants),
            about_key(
                key,
                self._membership.context(account_id, "resource"),
                # ListAliases tells those of the caller's account alone.
                aliases_known=account_id == self.snapshot.account_id and not key.unread,
            ),
        )
        return ReadableKey(target, key.state, key.aws_managed, "" if key.state else key.unread)
