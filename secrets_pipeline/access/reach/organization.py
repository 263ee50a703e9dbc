"""Tell which organisation an account belongs to, and which SCPs and RCPs it is under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from secrets_pipeline.access.evaluator import Context, Levels, Policy, UnreadPolicies
from secrets_pipeline.access.evaluator.document import understood
from secrets_pipeline.access.policy_text.principals import organizations
from secrets_pipeline.access.snapshot.model import NamedPolicy, Snapshot

_KEYS = {
    "principal": frozenset({"aws:principalorgid", "aws:principalorgpaths"}),
    "resource": frozenset({"aws:resourceorgid", "aws:resourceorgpaths"}),
}


class Membership:
    """The organisation of a snapshot.

    Args:
        snapshot: what was read.
        assume_allowed: whether policies that could not be read stand in nobody's way.
    """

    def __init__(self, snapshot: Snapshot, *, assume_allowed: bool) -> None:
        self.snapshot = snapshot
        self._assume_allowed = assume_allowed
        self._named: dict[tuple[str, str], Policy | UnreadPolicies] = {}
        self._names_others = _names_others(snapshot)

    def levels(self, account_id: str, kind: Literal["scps", "rcps"]) -> Levels | UnreadPolicies:
        """The policies of an organisation that an account is under."""
        organization = self.snapshot.organization
        found: Mapping[str, tuple[tuple[NamedPolicy, ...], ...]] = getattr(organization, kind)
        if account_id in found:
            levels = [[self._policy(one) for one in level] for level in found[account_id]]
            unread = next((one for level in levels for one in level if isinstance(one, UnreadPolicies)), None)
            return unread or tuple(tuple(one for one in level if isinstance(one, Policy)) for level in levels)
        if account_id == organization.management_account or self._assume_allowed or not organization.unread:
            return self._outside(account_id)
        return UnreadPolicies(organization.unread)

    def _outside(self, account_id: str) -> Levels | UnreadPolicies:
        """An account for which there is nothing: no organisation, or not this one."""
        organization = self.snapshot.organization
        own = account_id == self.snapshot.account_id
        known = own or self._assume_allowed or account_id in (*organization.paths, organization.management_account)
        return () if known else UnreadPolicies(f"the organisation of account {account_id} is not known")

    def context(self, account_id: str, prefix: Literal["principal", "resource"]) -> Context:
        """`aws:PrincipalOrgID` and the like of an account; absent for one outside of all that are named."""
        organization = self.snapshot.organization
        if account_id in organization.paths and organization.id:
            path = (organization.paths[account_id],)
            return Context({f"aws:{prefix}orgid": (organization.id,), f"aws:{prefix}orgpaths": path})
        own = account_id == self.snapshot.account_id
        if own and organization.id:
            return Context({f"aws:{prefix}orgid": (organization.id,)}, frozenset({f"aws:{prefix}orgpaths"}))
        # Others may have an organisation of their own; about accounts beyond the snapshot nobody asked.
        listed = bool(organization.paths) and account_id in self.snapshot.accounts
        if prefix == "principal" and self._names_others:
            # Whoever is outside of this organisation may be inside of that one.
            listed = False
        known = listed or (own and not organization.unread)
        return Context() if known else Context(unknown=_KEYS[prefix])

    def _policy(self, one: NamedPolicy) -> Policy | UnreadPolicies:
        key = (one.name, repr(one.document))
        if key not in self._named:
            self._named[key] = understood(one.name, one.document)
        return self._named[key]


def _names_others(snapshot: Snapshot) -> bool:
    """Whether a policy of a secret or key asks for another organisation than the snapshot's."""
    own = {snapshot.organization.id, "${aws:ResourceOrgID}"}
    policies = [*(one.policy for one in snapshot.secrets), *(one.policy for one in snapshot.keys.values())]
    return any(named.split("/", 1)[0] not in own for policy in policies if policy for named in organizations(policy))
