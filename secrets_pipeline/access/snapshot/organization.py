"""Read where accounts are in their organisation, and the SCPs and RCPs above them: ListParents, DescribePolicy ….

Sources: https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPoliciesForTarget.html and
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from secrets_pipeline.access.snapshot.calls import UnreadParts, parsed
from secrets_pipeline.access.snapshot.model import NamedPolicy, OrganizationSnapshot
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_organizations.client import OrganizationsClient
    from mypy_boto3_organizations.type_defs import OrganizationTypeDef

PolicyType: TypeAlias = Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]
Levels: TypeAlias = tuple[tuple[NamedPolicy, ...], ...]

Key = TypeVar("Key")
Answer = TypeVar("Answer")

_NO_ORGANIZATION = "AWSOrganizationsNotInUseException"
_NOT_IN_IT = "ChildNotFoundException"


def read_organization(
    own: AwsAccount, delegated: AwsAccount | None, account_ids: Collection[str]
) -> OrganizationSnapshot:
    """Read the organisation of an account.

    Args:
        own: the account.
        delegated: credentials of the management account or a delegated administrator, which alone may see more than the
            organisation's id; None leaves it to the account's own.
        account_ids: accounts whose place and policies are wanted, 12 digits each.

    Returns:
        What can be read, and why the rest cannot: it is refused, or Organizations, which has an endpoint in one region
        of a partition, is out of reach. An account outside of it has neither path nor policies.
    """
    reading = UnreadParts(whatever=True)
    about = reading.attempt(lambda: _describe(own))
    if about is None and delegated is not None:
        about = reading.attempt(lambda: _describe(delegated))
    if about is None:
        return OrganizationSnapshot(unread=reading.unread)
    if not about:
        return OrganizationSnapshot()
    return _Tree((delegated or own).client("organizations"), about["Id"], about["MasterAccountId"]).read(account_ids)


def _describe(account: AwsAccount) -> OrganizationTypeDef:
    """The organisation; empty where the account is in none."""
    try:
        with calling("DescribeOrganization"):
            return account.client("organizations").describe_organization()["Organization"]
    except AwsError as error:
        if error.code == _NO_ORGANIZATION:
            return {}
        raise


@dataclass(frozen=True, slots=True)
class _Root:
    id: str
    policy_types: frozenset[str]


class _Tree:
    """Roots, organisational units and their policies; each is asked for once."""

    def __init__(self, client: OrganizationsClient, organization_id: str, management_account: str) -> None:
        self._client = client
        self._id = organization_id
        self._management_account = management_account
        self._parents: dict[str, str] = {}
        self._attached: dict[tuple[str, PolicyType], tuple[str, ...]] = {}
        self._policies: dict[str, NamedPolicy] = {}

    def read(self, account_ids: Collection[str]) -> OrganizationSnapshot:
        reading = UnreadParts(whatever=True)
        found: dict[str, Any] = {}
        root = reading.attempt(self._root)
        branches = reading.attempt(lambda: self._branches(root, account_ids)) if root else None
        if root is not None and branches is not None:
            found["paths"] = {one: "/".join((self._id, *branch[:-1], "")) for one, branch in branches.items()}
            found["scps"] = (
                reading.attempt(lambda: self._policies_above(root, branches, "SERVICE_CONTROL_POLICY")) or {}
            )
            found["rcps"] = (
                reading.attempt(lambda: self._policies_above(root, branches, "RESOURCE_CONTROL_POLICY")) or {}
            )
        return OrganizationSnapshot(
            id=self._id, management_account=self._management_account, unread=reading.unread, **found
        )

    def _root(self) -> _Root:
        with calling("ListRoots", f"of organisation {self._id}"):
            about = next(iter(pages(self._client, "list_roots")))
        enabled = (one["Type"] for one in about.get("PolicyTypes") or () if one.get("Status") == "ENABLED")
        return _Root(about["Id"], frozenset(enabled))

    def _branches(self, root: _Root, account_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Account → ids from the root down to the account, for those that belong to the organisation."""
        branches = {}
        for account_id in sorted(account_ids):
            branch = [account_id]
            try:
                while branch[0] != root.id:
                    branch.insert(0, self._parent(branch[0]))
            except AwsError as error:
                if error.code == _NOT_IN_IT:
                    continue
                raise
            branches[account_id] = tuple(branch)
        return branches

    def _parent(self, child: str) -> str:
        def ask() -> str:
            with calling("ListParents", child):
                return str(next(iter(pages(self._client, "list_parents", ChildId=child)))["Id"])

        return _once(self._parents, child, ask)

    def _policies_above(
        self, root: _Root, branches: Mapping[str, tuple[str, ...]], kind: PolicyType
    ) -> dict[str, Levels]:
        """Account → policies of one type of each level; no level where none apply."""
        found: dict[str, Levels] = {}
        for account_id, branch in branches.items():
            none_apply = kind not in root.policy_types or account_id == self._management_account
            found[account_id] = () if none_apply else tuple(self._level(target, kind) for target in branch)
        return found

    def _level(self, target: str, kind: PolicyType) -> tuple[NamedPolicy, ...]:
        def ask() -> tuple[str, ...]:
            with calling("ListPoliciesForTarget", target):
                listed = pages(self._client, "list_policies_for_target", TargetId=target, Filter=kind)
                return tuple(str(one["Id"]) for one in listed)

        attached = _once(self._attached, (target, kind), ask)
        return tuple(map(self._policy, attached))

    def _policy(self, policy_id: str) -> NamedPolicy:
        def ask() -> NamedPolicy:
            with calling("DescribePolicy", policy_id):
                policy = self._client.describe_policy(PolicyId=policy_id)["Policy"]
            name, content = policy["PolicySummary"]["Name"], policy["Content"]
            return NamedPolicy(name=name, document=parsed(content, f"policy {policy_id} of the organisation"))

        return _once(self._policies, policy_id, ask)


def _once(known: dict[Key, Answer], key: Key, ask: Callable[[], Answer]) -> Answer:
    if key not in known:
        known[key] = ask()
    return known[key]
