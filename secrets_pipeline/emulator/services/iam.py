"""IAM as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- Users have permissions boundaries: CreateUser keeps one, PutUserPermissionsBoundary and
  DeleteUserPermissionsBoundary work. https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html
- A policy that is to be a boundary exists; a trust policy is JSON.
- Every account but the default one has an administrator whom the default account may assume.
  https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access.html
- AWS managed policies exist, without a setting that loads a thousand of them at start.
- GetAccountAuthorizationDetails comes in pages of up to 1,000 entries, counts how often a policy is a boundary, and of
  AWS managed policies lists those in use; it may be a picture of some seconds ago.
  https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
- Policies name whoever was deleted by a unique id (`principals`), and SimulatePrincipalPolicy answers (`simulation`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from functools import cache
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.serialize import never_return
from moto.iam import models as iam_models
from moto.iam import urls as moto_urls
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.exceptions import MalformedPolicyDocument, NotFoundException
from moto.iam.models import AWSManagedPolicy, IAMBackend, InstanceProfile, ManagedPolicy, Role, User, iam_backends
from moto.iam.responses import IamResponse

from secrets_pipeline.arn import Arn, iam_arn
from secrets_pipeline.emulator.control.delays import PICTURE
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.handle.lifecycle import ADMINISTRATOR_ROLE
from secrets_pipeline.emulator.services import principals
from secrets_pipeline.emulator.services.simulation import simulated

_OF_AWS = ":iam::aws:policy/"
_PAGE = 100
_LISTS = {f"{kind}DetailList": f"{kind.lower()}s" for kind in ("User", "Group", "Role")}
_LISTS["Policies"] = "managed_policies"


@cache
def _of_aws() -> Mapping[str, Mapping[str, Any]]:
    """What moto knows of AWS's own policies, by path and name; parsing takes a moment."""
    parsed: dict[str, dict[str, Any]] = json.loads(aws_managed_policies_data)
    return {f"{data.get('Path', '/')}{name}": {**data, "Name": name} for name, data in parsed.items()}


class _Earlier(Role):
    """A role with the inline policies that it had before."""

    def __init__(self, role: Role, policies: dict[str, str]) -> None:
        vars(self).update(vars(role), policies=policies)

    @property
    def instance_profile_list(self) -> list[InstanceProfile]:
        """The instance profiles that hold the role."""
        profiles = iam_backends[self.account_id][self.partition].instance_profiles.values()
        return [one for one in profiles if any(held.arn == self.arn for held in one.roles)]


# moto finds the attributes of an answer by the name of the class that they are of.
_Earlier.__name__ = Role.__name__


class EmulatedIamBackend(IAMBackend):
    """IAM with boundaries of users, and with AWS's own policies."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._inline: dict[str, list[tuple[float, dict[str, str]]]] = {}
        own = str(vars(iam_models)["DEFAULT_ACCOUNT_ID"])  # the server changes it, moto does not export it
        if account_id != own:
            self._admit_administrator(own)

    def bind(self, user: User, policy_arn: str | None) -> None:
        """Give a user a permissions boundary, or take it away.

        Raises:
            NotFoundException: NoSuchEntity, if there is no such policy.
        """
        if policy_arn is not None:
            self.require(policy_arn)
        bound = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": policy_arn}
        vars(user)["permissions_boundary"] = bound if policy_arn else None

    def create_role(
        self,
        role_name: str,
        assume_role_policy_document: str,
        path: str,
        permissions_boundary: str | None,
        *args: Any,  # noqa: ANN401 - moto's
        **kwargs: Any,  # noqa: ANN401 - moto's
    ) -> Role:
        """Create a role within a boundary that exists, by a trust policy that is JSON."""
        _require_json(assume_role_policy_document)
        if permissions_boundary:
            self.require(permissions_boundary)
        return super().create_role(role_name, assume_role_policy_document, path, permissions_boundary, *args, **kwargs)

    def update_assume_role_policy(self, role_name: str, policy_document: str) -> None:
        """Replace a trust policy by one that is JSON."""
        _require_json(policy_document)
        super().update_assume_role_policy(role_name, policy_document)

    def put_role_permissions_boundary(self, role_name: str, permissions_boundary: str) -> None:
        """Give a role a boundary that exists."""
        self.require(permissions_boundary)
        super().put_role_permissions_boundary(role_name, permissions_boundary)

    def put_role_policy(self, role_name: str, policy_name: str, policy_json: str) -> None:
        """Put an inline policy, and remember what the role had before, as far back as a picture shows."""
        role = self.get_role(role_name)
        *earlier, (since, _) = self._since_pictured(role) or [(0.0, {})]
        earlier.append((since, dict(role.policies)))
        super().put_role_policy(role_name, policy_name, policy_json)
        self._inline[role.arn] = [*earlier, (CLOCK.now(), dict(role.policies))]

    def delete_role(self, role_name: str) -> None:
        """Delete a role, and forget what it had."""
        role = self.get_role(role_name)
        super().delete_role(role_name)
        self._inline.pop(role.arn, None)
        principals.forget(role.arn, role.id)

    def delete_user(self, user_name: str) -> None:
        """Delete a user."""
        user = self.get_user(user_name)
        super().delete_user(user_name)
        principals.forget(user.arn, user.id)

    def last_put(self, role_arn: str) -> float | None:
        """When a role got its latest inline policy, in epoch seconds; None where it has none."""
        put = self._inline.get(role_arn)
        return put[-1][0] if put else None

    def _since_pictured(self, role: Role) -> list[tuple[float, dict[str, str]]]:
        """The inline policies of a role in the newest state that a picture shows, and in those after it, and when."""
        known = self._inline.get(role.arn, [])
        shown = (index for index, (at, _) in enumerate(known) if PACE.is_over(PICTURE, role.arn, at))
        return known[max(shown, default=0) :]

    def _pictured(self) -> Iterator[Role]:
        """The roles as a picture shows them that may be some seconds old."""
        for role in list(self.roles.values()):
            if not PACE.is_over(PICTURE, role.arn, role.create_date.replace(tzinfo=UTC).timestamp()):
                continue
            shown, *later = self._since_pictured(role) or [(0.0, {})]
            if later:
                yield _Earlier(role, shown[1])  # type: ignore[abstract] # so is moto's own Role
            else:
                yield role

    def attach_role_policy(self, policy_arn: str, role_name: str) -> None:
        """Attach a policy of the account or of AWS."""
        self._know(policy_arn)
        super().attach_role_policy(policy_arn, role_name)

    def attach_group_policy(self, policy_arn: str, group_name: str) -> None:
        """Attach a policy of the account or of AWS."""
        self._know(policy_arn)
        super().attach_group_policy(policy_arn, group_name)

    def attach_user_policy(self, policy_arn: str, user_name: str) -> None:
        """Attach a policy of the account or of AWS."""
        self._know(policy_arn)
        super().attach_user_policy(policy_arn, user_name)

    def get_policy(self, policy_arn: str) -> ManagedPolicy:
        """A policy of the account or of AWS."""
        self._know(policy_arn)
        return super().get_policy(policy_arn)

    def get_account_authorization_details(self, policy_filter: list[str]) -> dict[str, Any]:
        """Every entity of the kinds asked for; all kinds without a filter."""
        of_users = (vars(user).get("permissions_boundary") or {} for user in self.users.values())
        boundaries = Counter(
            [role.permissions_boundary_arn for role in self.roles.values()]
            + [bound.get("PermissionsBoundaryArn") for bound in of_users]
        )
        policies = []
        for arn, policy in sorted(self.managed_policies.items()):
            vars(policy)["permissions_boundary_usage_count"] = boundaries[arn]
            kind = "AWSManagedPolicy" if _OF_AWS in arn else "LocalManagedPolicy"
            unused = kind == "AWSManagedPolicy" and not policy.attachment_count
            if not unused and (not policy_filter or kind in policy_filter):
                policies.append(policy)
        kinds = {"users": "User", "groups": "Group", "roles": "Role"}
        found: dict[str, Sequence[Any]] = {name: [*getattr(self, name).values()] for name in kinds}
        found["roles"] = [*self._pictured()]
        asked = {name for name, kind in kinds.items() if not policy_filter or kind in policy_filter}
        return {name: found[name] if name in asked else [] for name in kinds} | {"managed_policies": policies}

    def require(self, policy_arn: str) -> None:
        """Refuse a policy that does not exist.

        Raises:
            NotFoundException: NoSuchEntity.
        """
        self._know(policy_arn)
        if policy_arn not in self.managed_policies:
            raise NotFoundException(f"Scope ARN: {policy_arn} does not exist or is not attachable.")

    def _admit_administrator(self, account_id: str) -> None:
        """Let another account administer this one."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": iam_arn(account_id, "root", partition=self.partition)},
                    "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
                }
            ],
        }
        self.create_role(ADMINISTRATOR_ROLE, json.dumps(trust), "/", None, "", [], "3600")
        administrator = iam_arn("aws", "policy/AdministratorAccess", partition=self.partition)
        self.attach_role_policy(administrator, ADMINISTRATOR_ROLE)

    def _know(self, policy_arn: str) -> None:
        """Make moto know a policy of AWS that it has been asked about."""
        data = _of_aws().get("/" + policy_arn.partition(_OF_AWS)[2]) if _OF_AWS in policy_arn else None
        if data is not None and policy_arn not in self.managed_policies:
            policy = AWSManagedPolicy.from_data(data["Name"], self.account_id, self.region_name, dict(data))
            self.managed_policies[policy.arn] = policy


class EmulatedIamResponse(IamResponse):
    """The operations that moto lacks, or answers in one piece."""

    RESPONSE_KEY_PATH_TO_TRANSFORMER = {  # noqa: RUF012 - moto's own attribute
        **IamResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER,
        "ListUsersResponse.Users.User.PermissionsBoundary": never_return,
    }

    def create_user(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html."""
        boundary = self._get_param("PermissionsBoundary")
        if boundary:
            self._corrected.require(boundary)
        answer = super().create_user()
        if boundary:
            self._corrected.bind(self._user(), boundary)
        return answer

    def put_user_permissions_boundary(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html."""
        self._corrected.bind(self._user(), str(self._get_param("PermissionsBoundary")))
        return EmptyResult()

    def delete_user_permissions_boundary(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPermissionsBoundary.html."""
        self._corrected.bind(self._user(), None)
        return EmptyResult()

    def get_account_authorization_details(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html."""
        details = self.backend.get_account_authorization_details(self._get_param("Filter", []))
        every: Sequence[tuple[str, Any]] = [(kind, one) for kind, name in _LISTS.items() for one in details[name]]
        start, size = int(self._get_param("Marker") or 0), int(self._get_param("MaxItems") or _PAGE)
        page = every[start : start + size]
        answer: dict[str, Any] = {kind: [one for of, one in page if of == kind] for kind in _LISTS}
        answer["IsTruncated"] = start + size < len(every)
        if answer["IsTruncated"]:
            answer["Marker"] = str(start + size)
        return ActionResult(answer)

    def simulate_principal_policy(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html."""
        named = ("PolicySourceArn", "ActionNames", "ResourceArns", "ContextEntries", "ResourcePolicy")
        return ActionResult(simulated({name: self._get_param(name) for name in named}, self.region))

    @property
    def _corrected(self) -> EmulatedIamBackend:
        if not isinstance(self.backend, EmulatedIamBackend):
            raise TypeError(self.backend)
        return self.backend

    def _user(self) -> User:
        return self.backend.get_user(self._get_param("UserName"))


def _require_json(document: str) -> None:
    try:
        json.loads(document)
    except ValueError:
        raise MalformedPolicyDocument("This policy contains invalid Json") from None


def last_put(role_arn: str) -> float | None:
    """When a role got its latest inline policy, in epoch seconds; None where that is not known."""
    named = Arn.match(role_arn)
    backend = iam_backends[named.account_id][named.partition] if named else None
    return backend.last_put(role_arn) if isinstance(backend, EmulatedIamBackend) else None


def install() -> None:
    """Put this backend and dispatcher in the place of moto's."""
    iam_backends.backend = EmulatedIamBackend
    moto_urls.url_paths = {"{0}/$": EmulatedIamResponse.dispatch}
