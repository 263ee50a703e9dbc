"""Organizations as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- An organisation with all features starts with SCPs enabled, and without RCPs.
  https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganization.html
- A policy type that is not enabled has no policy attached anywhere; enabling one attaches its default everywhere.
  https://docs.aws.amazon.com/organizations/latest/userguide/enable-policy-type.html
- Every root, OU and account keeps one SCP.
  https://docs.aws.amazon.com/organizations/latest/APIReference/API_DetachPolicy.html
- A member account sees the organisation's id and no more, unless it is a delegated administrator, which sees all.
  https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListRoots.html
- An account that is not in the organisation has no parents: ChildNotFoundException.
- Accounts can be invited. https://docs.aws.amazon.com/organizations/latest/APIReference/API_InviteAccountToOrganization.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.core.utils import unix_time
from moto.moto_api._internal import mock_random
from moto.organizations import urls as moto_urls
from moto.organizations import utils
from moto.organizations.exceptions import (
    AWSOrganizationsNotInUseException,
    ConstraintViolationException,
    OrganizationsClientError,
    PolicyTypeNotEnabledException,
)
from moto.organizations.models import FakeAccount, FakePolicy, FakeRoot, OrganizationsBackend, organizations_backends
from moto.organizations.responses import OrganizationsResponse

_SCP, _RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
_DEFAULTS = {_SCP: utils.DEFAULT_SCP_POLICY_ID, _RCP: utils.DEFAULT_RCP_POLICY_ID}
_BY_ANYBODY = frozenset({"CreateOrganization", "DescribeOrganization", "AcceptHandshake"})
_DAY = 86_400


class EmulatedOrganizationsBackend(OrganizationsBackend):
    """The organisation of a management account, and the invitations of any other."""

    def _reset(self) -> None:
        super()._reset()
        self.invitations: dict[str, tuple[str, str]] = {}

    def reset(self) -> None:
        """Forget everything, also who belongs to whom."""
        super().reset()
        organizations_backends.master_accounts.clear()

    def create_organization(self, region: str, **kwargs: object) -> dict[str, Any]:
        """Create an organisation; with all features, SCPs are on."""
        answer = super().create_organization(region, **kwargs)
        if self.org is not None and self.org.feature_set == "ALL":
            self.enable_policy_type(RootId=self.org.root_id, PolicyType=_SCP)
        return answer

    def describe_organization(self) -> dict[str, Any]:
        """The organisation that an account manages or belongs to."""
        manager = self.manager()
        if manager.org is None:
            raise AWSOrganizationsNotInUseException
        answer: dict[str, Any] = manager.org.describe()
        return answer

    def manager(self) -> EmulatedOrganizationsBackend:
        """The backend of the management account of this account's organisation; itself without one."""
        owner = organizations_backends.master_accounts.get(self.account_id)
        return _backend(*owner) if owner else self

    def enable_policy_type(self, **kwargs: str) -> dict[str, Any]:
        """Enable a type, and attach its default policy everywhere."""
        answer = super().enable_policy_type(**kwargs)
        default = _DEFAULTS.get(kwargs["PolicyType"])
        for target in self._targets() if default else ():
            self.attach_policy(PolicyId=default, TargetId=target.id)
        return answer

    def disable_policy_type(self, **kwargs: str) -> dict[str, Any]:
        """Disable a type, and detach its policies everywhere."""
        answer = super().disable_policy_type(**kwargs)
        for target in self._targets():
            for policy in [one for one in target.attached_policies if one.type == kwargs["PolicyType"]]:
                target.attached_policies.remove(policy)
                policy.attachments.remove(target)
        return answer

    def attach_policy(self, **kwargs: Any) -> None:  # noqa: ANN401 - moto's
        """Attach a policy of a type that is enabled.

        Raises:
            PolicyTypeNotEnabledException: of another type.
        """
        policy = self.get_policy_by_id(kwargs["PolicyId"])
        if self._enabled(policy):
            super().attach_policy(**kwargs)
        # What moto attaches to everything new waits until its type is enabled.
        elif not policy.aws_managed:
            raise PolicyTypeNotEnabledException

    def detach_policy(self, **kwargs: str) -> None:
        """Detach a policy that is attached and not the last SCP.

        Raises:
            OrganizationsClientError: PolicyNotAttachedException.
            ConstraintViolationException: the last one.
        """
        policy = self.get_policy_by_id(kwargs["PolicyId"])
        target = next((one for one in self._targets() if one.id == kwargs["TargetId"]), None)
        attached = [one for one in target.attached_policies if one.type == policy.type] if target else []
        if target is not None and policy not in attached:
            raise OrganizationsClientError(
                "PolicyNotAttachedException", "The policy isn't attached to the specified target."
            )
        if policy.type == _SCP and attached == [policy]:
            raise ConstraintViolationException(
                "You cannot remove the last policy attached to the specified target. "
                "You must have at least one policy of this type attached at all times."
            )
        super().detach_policy(**kwargs)

    def list_parents(self, **kwargs: object) -> dict[str, Any]:
        """The parent of a child.

        Raises:
            OrganizationsClientError: ChildNotFoundException.
        """
        if all(one.id != kwargs["ChildId"] for one in self._targets()):
            raise OrganizationsClientError(
                "ChildNotFoundException", "You specified an organizational unit or account that doesn't exist."
            )
        answer: dict[str, Any] = super().list_parents(**kwargs)
        return answer

    def invite(self, account_id: str) -> dict[str, Any]:
        """Invite an account.

        Raises:
            OrganizationsClientError: DuplicateHandshakeException, for one that belongs to the organisation.
        """
        if self.org is None:
            raise AWSOrganizationsNotInUseException
        if any(one.id == account_id for one in self.accounts):
            raise OrganizationsClientError("DuplicateHandshakeException", "The account is already a member.")
        handshake_id = "h-" + "".join(mock_random.choice(utils.CHARSET) for _ in range(8))
        _backend(account_id, self.partition).invitations[handshake_id] = (self.account_id, self.partition)
        return self.handshake(handshake_id, account_id, "OPEN")

    def accept(self, handshake_id: str) -> dict[str, Any]:
        """Join the organisation that invited this account, under its root.

        Raises:
            OrganizationsClientError: HandshakeNotFoundException.
        """
        owner = self.invitations.pop(handshake_id, None)
        if owner is None:
            raise OrganizationsClientError("HandshakeNotFoundException", "We can't find a handshake of that id.")
        manager = _backend(*owner)
        manager.join(self.account_id)
        organizations_backends.master_accounts[self.account_id] = owner
        return manager.handshake(handshake_id, self.account_id, "ACCEPTED")

    def join(self, account_id: str) -> None:
        """Take an account in, with the policies that every new one has."""
        if self.org is None:
            raise AWSOrganizationsNotInUseException
        account = FakeAccount(self.org, AccountName=account_id, Email=f"{account_id}@example.com")
        account.id, account.joined_method = account_id, "INVITED"
        self.accounts.append(account)
        for policy_id in _DEFAULTS.values():
            self.attach_policy(PolicyId=policy_id, TargetId=account_id)

    def handshake(self, handshake_id: str, account_id: str, state: str) -> dict[str, Any]:
        """An invitation, as AWS shows it."""
        if self.org is None:
            raise AWSOrganizationsNotInUseException
        return {
            "Handshake": {
                "Id": handshake_id,
                "Parties": [{"Id": self.org.id, "Type": "ORGANIZATION"}, {"Id": account_id, "Type": "ACCOUNT"}],
                "State": state,
                "RequestedTimestamp": unix_time(),
                "ExpirationTimestamp": unix_time() + 15 * _DAY,
                "Action": "INVITE",
            }
        }

    def delegates_to(self, account_id: str) -> bool:
        """Whether an account is a delegated administrator."""
        return any(admin.account.id == account_id for admin in self.admins)

    def _targets(self) -> Iterator[Any]:
        yield from self.ou
        yield from self.accounts

    def _enabled(self, policy: FakePolicy) -> bool:
        roots = (one for one in self.ou if isinstance(one, FakeRoot))
        return any(one["Type"] == policy.type for root in roots for one in root.policy_types)


class EmulatedOrganizationsResponse(OrganizationsResponse):
    """Answers the management account and delegated administrators; others learn the organisation's id."""

    @property
    def organizations_backend(self) -> EmulatedOrganizationsBackend:
        """The backend that a call acts on.

        Raises:
            OrganizationsClientError: AccessDeniedException, for a member account.
        """
        own = _backend(self.current_account, self.partition)
        if self._get_action() in _BY_ANYBODY:
            return own
        manager = own.manager()
        if manager is not own and not manager.delegates_to(self.current_account):
            raise OrganizationsClientError(
                "AccessDeniedException", "You don't have permissions to access this resource."
            )
        if manager.org is None:
            raise AWSOrganizationsNotInUseException
        return manager

    def invite_account_to_organization(self) -> str:
        """https://docs.aws.amazon.com/organizations/latest/APIReference/API_InviteAccountToOrganization.html."""
        return json.dumps(self.organizations_backend.invite(str(self._get_param("Target")["Id"])))

    def accept_handshake(self) -> str:
        """https://docs.aws.amazon.com/organizations/latest/APIReference/API_AcceptHandshake.html."""
        return json.dumps(self.organizations_backend.accept(str(self._get_param("HandshakeId"))))


def _backend(account_id: str, partition: str) -> EmulatedOrganizationsBackend:
    backend = organizations_backends[account_id][partition]
    if not isinstance(backend, EmulatedOrganizationsBackend):
        raise TypeError(backend)
    return backend


def install() -> None:
    """Put this backend and dispatcher in the place of moto's."""
    organizations_backends.backend = EmulatedOrganizationsBackend
    moto_urls.url_paths = {"{0}/$": EmulatedOrganizationsResponse.dispatch}
