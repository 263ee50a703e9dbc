"""Read the principals of an account: GetAccountAuthorizationDetails, GetPolicyVersion, ListOpenIDConnectProviders.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from secrets_pipeline.access.snapshot.calls import UnreadParts, at_once
from secrets_pipeline.access.snapshot.model import (
    AccountSnapshot,
    GroupSnapshot,
    PolicyDocument,
    PrincipalSnapshot,
)
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import answers
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import MISSING

_FILTER = ("Role", "User", "Group", "LocalManagedPolicy", "AWSManagedPolicy")


def read_account(account: AwsAccount, account_id: str) -> AccountSnapshot:
    """Read roles, users, groups and the policies that they have.

    Args:
        account: credentials that may read IAM there.
        account_id: 12 digits.

    Returns:
        The principals, or why they could not be read.

    Raises:
        AwsError: for anything but a refusal.
    """
    reading = UnreadParts()
    details = reading.attempt(lambda: _details(account, account_id))
    if details is None:
        return AccountSnapshot(account_id=account_id, unread=reading.unread)
    principals = sorted(_principals(details), key=lambda one: one.arn)
    groups = {one["GroupName"]: _group(one) for one in details["GroupDetailList"]}
    managed = {one["Arn"]: _default_version(one) for one in details["Policies"]}
    # AWS does not say whether a policy that is a boundary only is listed.
    missing = sorted(_policies_of(principals, groups.values()) - managed.keys())
    fetched = at_once(lambda arn: _managed_policy(account, arn), missing)
    managed |= {arn: document for arn, document in zip(missing, fetched, strict=True) if document is not None}
    return AccountSnapshot(
        account_id=account_id,
        principals=tuple(principals),
        groups=groups,
        managed=managed,
        identity_providers=UnreadParts().attempt(lambda: _identity_providers(account, account_id)),
    )


def _details(account: AwsAccount, account_id: str) -> Mapping[str, list[dict[str, Any]]]:
    """Every page's lists, joined."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    with calling("GetAccountAuthorizationDetails", f"of account {account_id}"):
        for answer in answers(account.client("iam"), "get_account_authorization_details", Filter=_FILTER):
            for kind in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"):
                found[kind] += answer.get(kind) or ()
    return found


def _principals(details: Mapping[str, list[dict[str, Any]]]) -> Iterator[PrincipalSnapshot]:
    for role in details["RoleDetailList"]:
        yield PrincipalSnapshot(
            arn=role["Arn"],
            kind="role",
            inline=_inline(role.get("RolePolicyList")),
            attached=_attached(role),
            boundary=_boundary(role),
            tags=_tags(role),
            trust=role.get("AssumeRolePolicyDocument"),
            instance_profiles=tuple(sorted(one["Arn"] for one in role.get("InstanceProfileList") or ())),
        )
    for user in details["UserDetailList"]:
        yield PrincipalSnapshot(
            arn=user["Arn"],
            kind="user",
            inline=_inline(user.get("UserPolicyList")),
            attached=_attached(user),
            groups=tuple(sorted(user.get("GroupList") or ())),
            boundary=_boundary(user),
            tags=_tags(user),
        )


def _group(group: Mapping[str, Any]) -> GroupSnapshot:
    return GroupSnapshot(inline=_inline(group.get("GroupPolicyList")), attached=_attached(group))


def _inline(policies: Iterable[Mapping[str, Any]] | None) -> dict[str, PolicyDocument]:
    return {one["PolicyName"]: one["PolicyDocument"] for one in policies or ()}


def _attached(principal: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(one["PolicyArn"] for one in principal.get("AttachedManagedPolicies") or ()))


def _boundary(principal: Mapping[str, Any]) -> str | None:
    return (principal.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")


def _tags(principal: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in principal.get("Tags") or ()}


def _default_version(policy: Mapping[str, Any]) -> PolicyDocument:
    """The version in force; up to four others are listed with it."""
    return next(one["Document"] for one in policy["PolicyVersionList"] if one["IsDefaultVersion"])


def _policies_of(principals: Iterable[PrincipalSnapshot], groups: Iterable[GroupSnapshot]) -> set[str]:
    """ARNs of every managed policy that counts for somebody."""
    attached = {arn for one in principals for arn in one.attached} | {arn for one in groups for arn in one.attached}
    return attached | {one.boundary for one in principals if one.boundary}


def _managed_policy(account: AwsAccount, arn: str) -> PolicyDocument | None:
    client = account.client("iam")

    def read() -> PolicyDocument:
        with calling("GetPolicyVersion", arn):
            version = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            document: Any = client.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        return dict(document)

    return UnreadParts().attempt(read, *MISSING)


def _identity_providers(account: AwsAccount, account_id: str) -> tuple[str, ...]:
    with calling("ListOpenIDConnectProviders", f"of account {account_id}"):
        listed = account.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    return tuple(sorted(one["Arn"] for one in listed))
