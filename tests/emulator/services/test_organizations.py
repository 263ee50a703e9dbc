"""Organizations where moto differs from AWS."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient

    from tests.emulator.conftest import Clients, Refused

SCP: Literal["SERVICE_CONTROL_POLICY"] = "SERVICE_CONTROL_POLICY"
RCP: Literal["RESOURCE_CONTROL_POLICY"] = "RESOURCE_CONTROL_POLICY"
DENY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]})
_accounts = itertools.count(600000000000)


@dataclass(frozen=True)
class Organization:
    """An organisation of its own for every test."""

    clients: Clients
    manager: str
    client: OrganizationsClient
    root: str

    def attached(self, target: str, kind: Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]) -> list[str]:
        return [one["Name"] for one in self.client.list_policies_for_target(TargetId=target, Filter=kind)["Policies"]]

    def policy(self, kind: Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]) -> str:
        made = self.client.create_policy(Content=DENY, Description="", Name=f"deny-{kind}", Type=kind)
        return made["Policy"]["PolicySummary"]["Id"]

    def invited(self) -> str:
        """An account that joined."""
        account_id = str(next(_accounts))
        handshake = self.client.invite_account_to_organization(Target={"Id": account_id, "Type": "ACCOUNT"})
        theirs = self.clients.in_account(account_id).organizations
        theirs.accept_handshake(HandshakeId=handshake["Handshake"]["Id"])
        return account_id


@pytest.fixture
def organization(clients: Clients) -> Organization:
    manager = str(next(_accounts))
    client = clients.in_account(manager).organizations
    client.create_organization(FeatureSet="ALL")
    return Organization(clients, manager, client, client.list_roots()["Roots"][0]["Id"])


def test_scps_are_enabled_from_the_start_and_rcps_are_not(organization: Organization) -> None:
    (root,) = organization.client.list_roots()["Roots"]
    assert root["PolicyTypes"] == [{"Type": SCP, "Status": "ENABLED"}]
    unit = organization.client.create_organizational_unit(ParentId=organization.root, Name="a")["OrganizationalUnit"]
    for target in (organization.root, unit["Id"], organization.invited(), organization.manager):
        assert organization.attached(target, SCP) == ["FullAWSAccess"]
        assert organization.attached(target, RCP) == []


def test_consolidated_billing_has_no_policies(clients: Clients) -> None:
    client = clients.in_account(str(next(_accounts))).organizations
    client.create_organization(FeatureSet="CONSOLIDATED_BILLING")
    assert client.list_roots()["Roots"][0]["PolicyTypes"] == []


def test_a_type_is_attached_everywhere_when_it_is_enabled_and_nowhere_when_it_is_disabled(
    organization: Organization, refused: Refused
) -> None:
    client, member = organization.client, organization.invited()
    policy = organization.policy(RCP)
    with refused("PolicyTypeNotEnabledException"):
        client.attach_policy(PolicyId=policy, TargetId=member)
    client.enable_policy_type(RootId=organization.root, PolicyType=RCP)
    client.attach_policy(PolicyId=policy, TargetId=member)
    assert organization.attached(organization.root, RCP) == ["RCPFullAWSAccess"]
    assert organization.attached(member, RCP) == ["RCPFullAWSAccess", f"deny-{RCP}"]
    client.disable_policy_type(RootId=organization.root, PolicyType=RCP)
    assert organization.attached(member, RCP) == []
    assert client.list_targets_for_policy(PolicyId=policy)["Targets"] == []
    assert organization.attached(member, SCP) == ["FullAWSAccess"]


def test_the_last_scp_stays(organization: Organization, refused: Refused) -> None:
    client, member = organization.client, organization.invited()
    with refused("ConstraintViolationException"):
        client.detach_policy(PolicyId="p-FullAWSAccess", TargetId=member)
    policy = organization.policy(SCP)
    with refused("PolicyNotAttachedException"):
        client.detach_policy(PolicyId=policy, TargetId=member)
    client.attach_policy(PolicyId=policy, TargetId=member)
    client.detach_policy(PolicyId="p-FullAWSAccess", TargetId=member)
    assert organization.attached(member, SCP) == [f"deny-{SCP}"]


def test_a_member_sees_the_organisation_and_no_more(organization: Organization, refused: Refused) -> None:
    theirs = organization.clients.in_account(organization.invited()).organizations
    assert theirs.describe_organization()["Organization"]["MasterAccountId"] == organization.manager
    with refused("AccessDeniedException"):
        theirs.list_roots()
    with refused("AccessDeniedException"):
        theirs.list_parents(ChildId=organization.manager)
    with refused("AccessDeniedException"):
        theirs.list_policies_for_target(TargetId=organization.root, Filter=SCP)


def test_a_delegated_administrator_sees_all(organization: Organization) -> None:
    member = organization.invited()
    organization.client.enable_aws_service_access(ServicePrincipal="ssm.amazonaws.com")
    organization.client.register_delegated_administrator(AccountId=member, ServicePrincipal="ssm.amazonaws.com")
    theirs = organization.clients.in_account(member).organizations
    assert theirs.list_roots()["Roots"][0]["Id"] == organization.root
    assert theirs.list_parents(ChildId=member)["Parents"] == [{"Id": organization.root, "Type": "ROOT"}]


def test_who_is_outside_has_neither_organisation_nor_parents(organization: Organization, refused: Refused) -> None:
    stranger = str(next(_accounts))
    theirs = organization.clients.in_account(stranger).organizations
    with refused("AWSOrganizationsNotInUseException"):
        theirs.describe_organization()
    with refused("AWSOrganizationsNotInUseException"):
        theirs.list_roots()
    with refused("ChildNotFoundException"):
        organization.client.list_parents(ChildId=stranger)


def test_an_invitation_is_for_one_account_and_is_accepted_once(organization: Organization, refused: Refused) -> None:
    member = organization.invited()
    with refused("DuplicateHandshakeException"):
        organization.client.invite_account_to_organization(Target={"Id": member, "Type": "ACCOUNT"})
    stranger = str(next(_accounts))
    handshake = organization.client.invite_account_to_organization(Target={"Id": stranger, "Type": "ACCOUNT"})
    assert handshake["Handshake"]["State"] == "OPEN"
    with refused("HandshakeNotFoundException"):
        organization.clients.in_account(member).organizations.accept_handshake(HandshakeId=handshake["Handshake"]["Id"])
    theirs = organization.clients.in_account(stranger).organizations
    assert theirs.accept_handshake(HandshakeId=handshake["Handshake"]["Id"])["Handshake"]["State"] == "ACCEPTED"
    with refused("HandshakeNotFoundException"):
        theirs.accept_handshake(HandshakeId=handshake["Handshake"]["Id"])
