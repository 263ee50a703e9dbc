"""Read what the organisation says about an account: its id, its place, its SCPs and RCPs.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from moto.organizations.models import organizations_backends

from secrets_pipeline.access.evaluator import Policy, UnreadPolicies
from secrets_pipeline.emulator.enforcement.documents import policies

if TYPE_CHECKING:
    from moto.organizations.models import OrganizationsBackend

    from secrets_pipeline.access.evaluator import Levels, Values

PolicyType = Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]


@dataclass(frozen=True, slots=True)
class Belonging:
    """An account in its organisation.

    Attributes:
        id: `o-…`; empty without an organisation.
        path: `o-…/r-…/ou-…/`, as `aws:PrincipalOrgPaths` has it.
        scps: from the root down to the account; empty for the management account, or where they are not enabled.
        rcps: the same of resource control policies.
    """

    id: str = ""
    path: str = ""
    scps: Levels | UnreadPolicies = ()
    rcps: Levels | UnreadPolicies = ()

    def context(self, whose: Literal["principal", "resource", "source"]) -> dict[str, Values]:
        """The condition keys that say so."""
        return {f"aws:{whose}orgid": (self.id,), f"aws:{whose}orgpaths": (self.path,)} if self.id else {}


_NONE = Belonging()


def belonging(account_id: str, partition: str) -> Belonging:
    """Where an account belongs.

    Args:
        account_id: the account.
        partition: its partition.
    """
    backend = _backend(account_id, partition)
    organization = backend.org if backend else None
    if backend is None or organization is None:
        return _NONE
    account: Any = next((one for one in backend.accounts if one.id == account_id), None)
    if account is None:
        return _NONE
    chain = _chain(backend, account)
    path = "/".join([organization.id, *(one.id for one in chain[:-1])]) + "/"
    if account_id == organization.master_account_id:
        return Belonging(organization.id, path)
    return Belonging(
        organization.id,
        path,
        _levels(chain, "SERVICE_CONTROL_POLICY"),
        _levels(chain, "RESOURCE_CONTROL_POLICY"),
    )


def _backend(account_id: str, partition: str) -> OrganizationsBackend | None:
    """The management account's."""
    master, where = organizations_backends.master_accounts.get(account_id, (account_id, partition))
    # Asking for a backend makes one.
    return organizations_backends[master][where] if master in organizations_backends else None


def _chain(backend: OrganizationsBackend, account: Any) -> list[Any]:  # noqa: ANN401 - moto's account or unit
    """The root, the units below it, and the account."""
    units, chain = {one.id: one for one in backend.ou}, [account]
    while (parent := units.get(chain[0].parent_id)) is not None:
        chain.insert(0, parent)
    return chain


def _levels(chain: list[Any], kind: PolicyType) -> Levels | UnreadPolicies:
    root = chain[0]
    if not any(one["Type"] == kind for one in getattr(root, "policy_types", ())):
        return ()
    levels: list[tuple[Policy, ...]] = []
    for one in chain:
        found = policies((each.name, each.content) for each in list(one.attached_policies) if each.type == kind)
        if isinstance(found, UnreadPolicies):
            return found
        levels.append(found)
    return tuple(levels)
