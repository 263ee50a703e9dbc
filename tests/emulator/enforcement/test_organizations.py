"""Service and resource control policies, in an embedded AWS with an organisation."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded import operator
from tests.emulator.conftest import Clients
from tests.emulator.enforcement.ground import OWN, READ, Actors, allow, deny, document, of, refusal, value

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_organizations.literals import PolicyTypeType

    from secrets_pipeline.emulator import LocalAws

_numbers = itertools.count()


@pytest.fixture(scope="module")
def manager(aws: LocalAws) -> Clients:
    """The management account of an organisation."""
    return Clients(operator(aws), aws.endpoint_url)


@pytest.fixture(scope="module")
def organization(manager: Clients) -> OrganizationsClient:
    client = manager.session.client("organizations", endpoint_url=manager.endpoint_url)
    client.create_organization(FeatureSet="ALL")
    root = client.list_roots()["Roots"][0]["Id"]
    client.enable_policy_type(RootId=root, PolicyType="RESOURCE_CONTROL_POLICY")
    return client


@pytest.fixture
def member(manager: Clients, organization: OrganizationsClient) -> Actors:
    made = organization.create_account(AccountName="member", Email=f"m{next(_numbers)}@example.com")
    account = made["CreateAccountStatus"]["AccountId"]
    return Actors(manager, manager.in_account(account), account)


@pytest.fixture
def reader(member: Actors) -> Clients:
    member.role("reader", allow("*"))
    return member.session("reader")


@pytest.fixture
def secret(member: Actors) -> str:
    return member.clients.secrets.create_secret(Name="database", SecretString="x")["ARN"]


def attach(organization: OrganizationsClient, kind: PolicyTypeType, target: str, *statements: dict[str, Any]) -> str:
    """A new policy of a root, unit or account; its id."""
    made = organization.create_policy(
        Name=f"policy-{next(_numbers)}", Description="", Type=kind, Content=document(*statements)
    )
    policy_id = made["Policy"]["PolicySummary"]["Id"]
    organization.attach_policy(PolicyId=policy_id, TargetId=target)
    return policy_id


def message(reader: Clients, secret: str) -> str:
    return refusal(lambda: value(reader, secret))[1].partition(secret)[2].strip()


def test_a_service_control_policy_denies_and_allows_for_every_level(
    organization: OrganizationsClient, member: Actors, reader: Clients, secret: str
) -> None:
    assert value(reader, secret) == "x"
    root = organization.list_roots()["Roots"][0]["Id"]
    unit = organization.create_organizational_unit(ParentId=root, Name=f"unit-{member.account_id}")
    place = unit["OrganizationalUnit"]["Id"]
    organization.move_account(AccountId=member.account_id, SourceParentId=root, DestinationParentId=place)
    policy = attach(organization, "SERVICE_CONTROL_POLICY", place, deny(READ))
    assert message(reader, secret) == "with an explicit deny in a service control policy"
    organization.detach_policy(PolicyId=policy, TargetId=place)
    assert value(reader, secret) == "x"
    attach(organization, "SERVICE_CONTROL_POLICY", member.account_id, allow("s3:*", "kms:*"))
    organization.detach_policy(PolicyId="p-FullAWSAccess", TargetId=member.account_id)
    assert message(reader, secret) == f"because no service control policy allows the {READ} action"


def test_a_resource_control_policy_denies_whoever_comes(
    organization: OrganizationsClient, member: Actors, reader: Clients, secret: str
) -> None:
    attach(organization, "RESOURCE_CONTROL_POLICY", member.account_id, deny(READ, Principal="*"))
    assert message(reader, secret) == "with an explicit deny in a resource control policy"


def test_neither_restricts_the_management_account(manager: Clients, organization: OrganizationsClient) -> None:
    actors = Actors(manager, manager, OWN)
    actors.role("manager", allow("*"))
    root = organization.list_roots()["Roots"][0]["Id"]
    policies = [
        attach(organization, "SERVICE_CONTROL_POLICY", root, deny(READ)),
        attach(organization, "RESOURCE_CONTROL_POLICY", root, deny(READ, Principal="*")),
    ]
    own = manager.secrets.create_secret(Name="own", SecretString="x")["ARN"]
    assert value(actors.session("manager"), own) == "x"
    for policy in policies:
        organization.detach_policy(PolicyId=policy, TargetId=root)


def test_the_organisation_of_a_principal_is_a_condition(
    organization: OrganizationsClient, manager: Clients, member: Actors, reader: Clients, secret: str
) -> None:
    own = organization.describe_organization()["Organization"]["Id"]
    abroad = Actors(manager, manager, OWN)
    abroad.role("abroad", allow("*"))
    key = member.clients.kms.create_key(
        Policy=document(allow("kms:*", **of(member.account_id, OWN))), Description="shared"
    )["KeyMetadata"]["Arn"]
    member.clients.secrets.update_secret(SecretId=secret, KmsKeyId=key)
    for wanted, reads in ((own, True), ("o-another000", False)):
        condition = {"StringEquals": {"aws:PrincipalOrgID": wanted}}
        member.clients.secrets.put_resource_policy(
            SecretId=secret, ResourcePolicy=document(allow(READ, Principal="*", Condition=condition))
        )
        assert (message(abroad.session("abroad"), secret) == "") is reads
    assert value(reader, secret) == "x"
