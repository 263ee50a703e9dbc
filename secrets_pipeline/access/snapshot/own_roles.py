"""Add to an account the roles that the caller made itself and AWS acknowledged: IAM's lists may not show them yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from secrets_pipeline.access.snapshot.model import AccountSnapshot, PolicyDocument, PrincipalSnapshot


@dataclass(frozen=True, slots=True)
class OwnRoles:
    """Roles and inline policies that the caller wrote itself.

    Attributes:
        roles: those that it made, without the policies that it wrote.
        policies: inline policies that it wrote, by the names of role and policy.
    """

    roles: tuple[PrincipalSnapshot, ...] = ()
    policies: Mapping[str, Mapping[str, PolicyDocument]] = field(default_factory=dict)

    def added_to(self, read: AccountSnapshot) -> AccountSnapshot:
        """Return an account as it was read, with the caller's own roles and policies."""
        if read.unread or not (self.roles or self.policies):
            return read
        known = {one.arn for one in read.principals}
        principals = [*read.principals, *(one for one in self.roles if one.arn not in known)]
        own = (self._own(one) for one in sorted(principals, key=lambda one: one.arn))
        return read.model_copy(update={"principals": tuple(own)})

    def _own(self, principal: PrincipalSnapshot) -> PrincipalSnapshot:
        written = self.policies.get(principal.arn.rpartition("/")[2]) if principal.kind == "role" else None
        return principal.model_copy(update={"inline": {**principal.inline, **written}}) if written else principal


NOTHING_WRITTEN = OwnRoles()
