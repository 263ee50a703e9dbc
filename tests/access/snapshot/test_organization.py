"""The organisation: where accounts are in it, and the policies above them."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.access.snapshot.collect import take_snapshot
from secrets_pipeline.access.snapshot.model import NamedPolicy, OrganizationSnapshot
from secrets_pipeline.aws import deadlines
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.access import AccessSettings
from tests.access.snapshot.conftest import NOW, REGION, policy

if TYPE_CHECKING:
    from tests.access.snapshot.conftest import Clients, World

MANAGEMENT = "999988887777"
STRANGER = "222233334444"
READER = f"arn:aws:iam::{MANAGEMENT}:role/Auditor"
FULL = NamedPolicy(name="FullAWSAccess", document=policy("*"))
RCP_FULL = NamedPolicy(name="RCPFullAWSAccess", document=policy("*", Principal="*"))
DENY = policy(Effect="Deny")


@dataclass(frozen=True)
class Organization:
    """An organisation with the world's account in root/workloads/prod, and a neighbour in root."""

    manager: Clients
    id: str
    root: str
    workloads: str
    prod: str
    neighbour: str

    def attach(self, kind: str, name: str, target: str, document: dict[str, object]) -> str:
        made = self.manager.organizations.create_policy(
            Content=json.dumps(document),
            Description="",
            Name=name,
            Type=kind,  # type: ignore[arg-type] # one of two
        )
        policy_id = made["Policy"]["PolicySummary"]["Id"]
        self.manager.organizations.attach_policy(PolicyId=policy_id, TargetId=target)
        return policy_id


@pytest.fixture
def organization(world: World) -> Organization:
    manager = world.in_account(MANAGEMENT)
    manager.auditor(world.account_id)
    client = manager.organizations
    made = client.create_organization(FeatureSet="ALL")["Organization"]
    root = client.list_roots()["Roots"][0]["Id"]
    workloads = client.create_organizational_unit(ParentId=root, Name="workloads")["OrganizationalUnit"]["Id"]
    prod = client.create_organizational_unit(ParentId=workloads, Name="prod")["OrganizationalUnit"]["Id"]
    invited = client.invite_account_to_organization(Target={"Id": world.account_id, "Type": "ACCOUNT"})
    world.organizations.accept_handshake(HandshakeId=invited["Handshake"]["Id"])
    client.move_account(AccountId=world.account_id, SourceParentId=root, DestinationParentId=prod)
    neighbour = client.create_account(Email="n@example.com", AccountName="neighbour")["CreateAccountStatus"][
        "AccountId"
    ]
    return Organization(manager, made["Id"], root, workloads, prod, neighbour)


def test_an_account_in_no_organisation_is_known_to_be_in_none(world: World) -> None:
    assert world.snapshot().organization == OrganizationSnapshot()
    counted = world.counted()
    assert counted["DescribeOrganization"] == 1
    assert not any(operation.startswith("List") and "Polic" in operation for operation in counted)


def test_a_member_account_knows_the_organisations_id_and_says_what_it_may_not_see(
    world: World, organization: Organization
) -> None:
    found = world.snapshot().organization
    assert (found.id, found.management_account) == (organization.id, MANAGEMENT)
    assert (found.paths, found.scps, found.rcps) == ({}, {}, {})
    assert f"ListRoots of organisation {organization.id} failed: AccessDeniedException" in found.unread


@pytest.mark.needs("organizations:DescribePolicy", "organizations:ListPoliciesForTarget")
def test_the_policies_of_every_level_come_from_the_root_down(world: World, organization: Organization) -> None:
    scp = "SERVICE_CONTROL_POLICY"
    organization.attach(scp, "at-root", organization.root, policy("a:*", Effect="Deny"))
    organization.attach(scp, "at-workloads", organization.workloads, policy("b:*", Effect="Deny"))
    organization.attach(scp, "at-account", world.account_id, policy("c:*", Effect="Deny"))
    found = world.snapshot(organization_role_arn=READER).organization
    assert found.unread == ""
    assert found.scps == {
        world.account_id: (
            (FULL, NamedPolicy(name="at-root", document=policy("a:*", Effect="Deny"))),
            (FULL, NamedPolicy(name="at-workloads", document=policy("b:*", Effect="Deny"))),
            (FULL,),
            (FULL, NamedPolicy(name="at-account", document=policy("c:*", Effect="Deny"))),
        )
    }
    place = (organization.id, organization.root, organization.workloads, organization.prod)
    assert found.paths == {world.account_id: "/".join(place) + "/"}


def test_rcps_that_are_not_enabled_are_known_to_be_none(world: World, organization: Organization) -> None:
    found = world.snapshot(organization_role_arn=READER).organization
    assert found.rcps == {world.account_id: ()}
    organization.manager.organizations.enable_policy_type(
        RootId=organization.root, PolicyType="RESOURCE_CONTROL_POLICY"
    )
    found = world.snapshot(organization_role_arn=READER).organization
    assert found.rcps == {world.account_id: ((RCP_FULL,),) * 4}


def test_scps_that_are_not_enabled_are_known_to_be_none(world: World, organization: Organization) -> None:
    organization.manager.organizations.disable_policy_type(
        RootId=organization.root, PolicyType="SERVICE_CONTROL_POLICY"
    )
    found = world.snapshot(organization_role_arn=READER).organization
    assert (found.scps, found.unread) == ({world.account_id: ()}, "")


def test_only_the_branches_of_the_accounts_are_asked_for(world: World, organization: Organization) -> None:
    for number in range(5):
        organization.manager.organizations.create_organizational_unit(ParentId=organization.root, Name=f"ou-{number}")
    counted = world.counted(
        organization_role_arn=READER, accounts=[organization.neighbour, STRANGER, MANAGEMENT], named={}
    )
    # Parents of the account, prod, workloads, the neighbour, the management account, and the stranger's refusal.
    assert counted["ListParents"] == 6
    # Root, workloads, prod and two accounts; the management account is under no SCP.
    assert counted["ListPoliciesForTarget"] == 5
    assert counted["DescribePolicy"] == 1
    assert (counted["ListRoots"], counted["DescribeOrganization"]) == (1, 1)


def test_accounts_inside_and_outside_of_the_organisation_are_told_apart(
    world: World, organization: Organization
) -> None:
    accounts = [organization.neighbour, STRANGER, MANAGEMENT]
    found = world.snapshot(organization_role_arn=READER, accounts=accounts).organization
    inside = f"{organization.id}/{organization.root}/"
    assert set(found.paths) == {world.account_id, organization.neighbour, MANAGEMENT}
    assert found.paths[organization.neighbour] == found.paths[MANAGEMENT] == inside
    assert found.scps[organization.neighbour] == ((FULL,), (FULL,))
    assert found.scps[MANAGEMENT] == ()
    assert STRANGER not in found.scps
    assert found.unread == ""


@pytest.mark.parametrize("operation", ["ListParents", "ListPoliciesForTarget", "DescribePolicy"])
def test_what_organizations_refuses_is_said(world: World, organization: Organization, operation: str) -> None:
    organization.attach("SERVICE_CONTROL_POLICY", "deny", organization.prod, DENY)
    whole = world.snapshot(organization_role_arn=READER).organization
    world.deny("organizations", operation)
    found = world.snapshot(organization_role_arn=READER).organization
    assert f"{operation} " in found.unread
    assert "AccessDeniedException" in found.unread
    assert found.scps == {}
    if operation == "ListParents":
        assert (found.paths, found.rcps) == ({}, {})
    else:
        assert (found.paths, found.rcps) == (whole.paths, whole.rcps)
    assert (found.id, found.management_account) == (whole.id, MANAGEMENT)


def test_a_refused_type_leaves_the_other(world: World, organization: Organization) -> None:
    organization.manager.organizations.enable_policy_type(
        RootId=organization.root, PolicyType="RESOURCE_CONTROL_POLICY"
    )
    world.deny("organizations", "ListPoliciesForTarget")
    found = world.snapshot(organization_role_arn=READER).organization
    assert found.scps == {}
    assert found.rcps == {world.account_id: ((RCP_FULL,),) * 4}


def test_an_organisation_that_may_not_be_described_is_unread(world: World, organization: Organization) -> None:
    world.deny("organizations", "DescribeOrganization")
    found = world.snapshot().organization
    assert (found.id, found.scps) == (None, {})
    assert "DescribeOrganization failed: AccessDeniedException" in found.unread
    # The named role may know more.
    world.deny("organizations", "DescribeOrganization")
    assert world.snapshot(organization_role_arn=READER).organization.id == organization.id


def test_a_role_that_may_not_be_assumed_keeps_the_organisations_id(world: World, organization: Organization) -> None:
    world.deny("sts", "AssumeRole")
    found = world.snapshot(organization_role_arn=READER).organization
    assert found.id == organization.id
    assert ": AccessDenied: sts:AssumeRole is not allowed" in found.unread


@pytest.mark.parametrize("kind", ["unreachable", "unanswered", "not implemented"])
def test_an_organisation_that_is_out_of_reach_is_unread(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Organizations has one endpoint in a partition: a VPC without a way there, or another implementation of AWS."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        if kind == "unreachable":
            listener.close()
        # Of every client: long enough for each answer that does come.
        monkeypatch.setattr(deadlines, "READ_SECONDS", 2)
        sessions = world.sessions()
        account = world.account(sessions)
        if kind == "not implemented":
            account.botocore_session.get_component("event_emitter").register(
                "before-call.organizations.DescribeOrganization", unknown
            )
        else:
            monkeypatch.setenv("AWS_ENDPOINT_URL_ORGANIZATIONS", f"http://127.0.0.1:{port}")
        found = take_snapshot(account, settings=AccessSettings(), sessions=sessions, now=NOW)
    assert found.organization.id is None
    assert found.organization.unread.startswith("DescribeOrganization failed: ")


def unknown(**_: object) -> None:
    raise ClientError({"Error": {"Code": "InternalFailure", "Message": "not implemented"}}, "DescribeOrganization")


def test_each_part_of_the_tree_that_breaks_is_unread_and_the_rest_is_there(
    world: World, organization: Organization
) -> None:
    sessions = world.sessions()
    account = world.account(sessions)
    delegated = sessions.for_target(Target(region=REGION, role_arn=READER))
    delegated.botocore_session.get_component("event_emitter").register(
        "before-call.organizations.ListPoliciesForTarget", unknown
    )
    settings = AccessSettings(organization_role_arn=READER)
    found = take_snapshot(account, settings=settings, sessions=sessions, now=NOW).organization
    assert found.id == organization.id
    assert found.paths.keys() == {world.account_id}
    assert "InternalFailure" in found.unread
