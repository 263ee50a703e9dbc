"""Read IAM roles by GetRole, and their inline policies by GetRolePolicy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from secrets_pipeline.access.granting.identity import PolicyDocument
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import answers
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.reconcilers.observed.cached import Cached, Once
from secrets_pipeline.reconcilers.observed.tags import tag_map

RDS_ROLE, RDS_ROLE_PATH = "AWSServiceRoleForRDS", "aws-service-role/rds.amazonaws.com"
"""RDS's service-linked role, which RDS makes with the first database of an account.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html"""


@dataclass(frozen=True, slots=True)
class RoleState:
    """An IAM role as GetRole shows it.

    Attributes:
        trust: AssumeRolePolicyDocument.
        boundary: ARN of its permissions boundary; None for none.
    """

    arn: str
    tags: Mapping[str, str]
    trust: PolicyDocument
    boundary: str | None

    def lacks_boundary(self, wanted: str | None) -> bool:
        """Tell whether it is to have a boundary that it does not have; one that nobody asks for is left to it."""
        return wanted is not None and self.boundary != wanted


class Roles:
    """Reads the roles of one account, by their names without a path.

    Args:
        account: whose AWS.

    Attributes:
        made: roles that this run made, by name; lists may not show them for a while.
        written: inline policies that this run wrote, by role and name; the same.
    """

    def __init__(self, account: AwsAccount) -> None:
        self._account = account
        self._policies: Cached[tuple[str, str], PolicyDocument | None] = Cached()
        self._principals: Once[frozenset[str]] = Once()
        self.made: dict[str, RoleState] = {}
        self.written: dict[str, dict[str, PolicyDocument]] = {}

    def role_now(self, role: str) -> RoleState | None:
        """Read a role by GetRole now; None where there is none.

        Raises:
            AwsError: if IAM refuses.
        """
        client = self._account.client("iam")
        with calling("GetRole", role):
            try:
                found = client.get_role(RoleName=role)["Role"]
            except client.exceptions.NoSuchEntityException:
                return None
        return RoleState(
            found["Arn"],
            tag_map(found.get("Tags") or ()),
            _document(found.get("AssumeRolePolicyDocument")),
            found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        )

    def principals(self) -> frozenset[str]:
        """List the ARNs of all roles and users by GetAccountAuthorizationDetails, a thousand a call, once a run.

        Raises:
            AwsError: if IAM refuses.
        """
        return self._principals.get(self._read_principals)

    def policy(self, role: str, policy: str) -> PolicyDocument | None:
        """Read an inline policy of a role by GetRolePolicy, once a run; None where there is none, or no such role.

        Raises:
            AwsError: if IAM refuses.
        """
        return self._policies.get((role, policy), partial(self._read_policy, role, policy))

    def policy_now(self, role: str, policy: str) -> PolicyDocument | None:
        """Read an inline policy of a role by GetRolePolicy now; None where there is none.

        Raises:
            AwsError: if IAM refuses.
        """
        self.forget_policy(role, policy)
        return self.policy(role, policy)

    def learn_policy(self, role: str, policy: str, document: PolicyDocument) -> None:
        """Record an inline policy that this run wrote; IAM may not show it for a while."""
        self._policies.learn((role, policy), document)
        self.written.setdefault(role, {})[policy] = document

    def forget_policy(self, role: str, policy: str) -> None:
        """Read an inline policy again next time."""
        self._policies.forget((role, policy))

    def _read_principals(self) -> frozenset[str]:
        found: set[str] = set()
        with calling("GetAccountAuthorizationDetails", "of roles and users"):
            client = self._account.client("iam")
            for answer in answers(client, "get_account_authorization_details", Filter=["Role", "User"]):
                for kind in ("RoleDetailList", "UserDetailList"):
                    found.update(one["Arn"] for one in answer.get(kind) or ())
        return frozenset(found)

    def _read_policy(self, role: str, policy: str) -> PolicyDocument | None:
        client = self._account.client("iam")
        with calling("GetRolePolicy", f"{policy} of role {role}"):
            try:
                return _document(client.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"])
            except client.exceptions.NoSuchEntityException:
                return None


def _document(parsed: Any) -> PolicyDocument:  # noqa: ANN401 - boto3 has parsed it, whatever its types say
    return parsed if isinstance(parsed, Mapping) else {}
