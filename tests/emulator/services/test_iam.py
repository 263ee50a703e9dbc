"""IAM where moto differs from AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

    from tests.emulator.conftest import Clients, Refused

ACCOUNT = "555566667777"
READ_WRITE = "arn:aws:iam::aws:policy/SecretsManagerReadWrite"
LAMBDA = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@pytest.fixture
def iam(clients: Clients) -> IAMClient:
    return clients.in_account(ACCOUNT).iam


@pytest.fixture
def bound(iam: IAMClient, name: str) -> str:
    return iam.create_policy(PolicyName=name.replace("/", "-"), PolicyDocument=ALL)["Policy"]["Arn"]


def test_a_user_keeps_its_boundary(iam: IAMClient, name: str, bound: str) -> None:
    user = name.replace("/", "-")
    expected = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": bound}
    assert iam.create_user(UserName=user, PermissionsBoundary=bound)["User"]["PermissionsBoundary"] == expected
    assert iam.get_user(UserName=user)["User"]["PermissionsBoundary"] == expected
    assert all("PermissionsBoundary" not in one for one in iam.list_users()["Users"])
    iam.delete_user_permissions_boundary(UserName=user)
    assert "PermissionsBoundary" not in iam.get_user(UserName=user)["User"]
    iam.put_user_permissions_boundary(UserName=user, PermissionsBoundary=READ_WRITE)
    details = iam.get_account_authorization_details(Filter=["User"], MaxItems=1000)["UserDetailList"]
    (mine,) = (one for one in details if one["UserName"] == user)
    assert mine["PermissionsBoundary"]["PermissionsBoundaryArn"] == READ_WRITE


def test_a_boundary_exists(iam: IAMClient, name: str, refused: Refused) -> None:
    missing, user = f"arn:aws:iam::{ACCOUNT}:policy/missing", name.replace("/", "-")
    with refused("NoSuchEntity"):
        iam.create_user(UserName=user, PermissionsBoundary=missing)
    with refused("NoSuchEntity"):
        iam.get_user(UserName=user)
    with refused("NoSuchEntity"):
        iam.create_role(RoleName=user, AssumeRolePolicyDocument=ALL, PermissionsBoundary=missing)
    iam.create_role(RoleName=user, AssumeRolePolicyDocument=ALL)
    with refused("NoSuchEntity"):
        iam.put_role_permissions_boundary(RoleName=user, PermissionsBoundary=missing)


def test_policies_of_aws_can_be_attached_and_read(iam: IAMClient, name: str, refused: Refused) -> None:
    role = name.replace("/", "-")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=ALL)
    iam.create_user(UserName=role)
    iam.create_group(GroupName=role)
    iam.attach_role_policy(RoleName=role, PolicyArn=LAMBDA)
    iam.attach_user_policy(UserName=role, PolicyArn=LAMBDA)
    iam.attach_group_policy(GroupName=role, PolicyArn=LAMBDA)
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert attached == [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": LAMBDA}]
    version = iam.get_policy(PolicyArn=LAMBDA)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=LAMBDA, VersionId=version)["PolicyVersion"]["Document"]
    assert "logs:PutLogEvents" in json.dumps(document)
    with refused("NoSuchEntity"):
        iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicyOfAws")


def test_authorization_details_list_the_policies_of_aws_in_use_and_count_boundaries(clients: Clients) -> None:
    iam = clients.in_account("555566668888").iam
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=ALL)["Policy"]["Arn"]
    iam.create_role(RoleName="one", AssumeRolePolicyDocument=ALL, PermissionsBoundary=bound)
    iam.create_user(UserName="two", PermissionsBoundary=bound)
    iam.get_policy(PolicyArn=READ_WRITE)
    iam.attach_role_policy(RoleName="one", PolicyArn=LAMBDA)
    listed = {one["Arn"]: one for one in iam.get_account_authorization_details()["Policies"]}
    assert READ_WRITE not in listed
    counts = {arn: (one["AttachmentCount"], one["PermissionsBoundaryUsageCount"]) for arn, one in listed.items()}
    assert (counts[bound], counts[LAMBDA]) == ((0, 2), (1, 0))
    local = iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])
    assert ([one["Arn"] for one in local["Policies"]], local["RoleDetailList"]) == ([bound], [])


def test_authorization_details_come_in_pages(clients: Clients) -> None:
    iam = clients.in_account("555566669999").iam
    for number in range(5):
        iam.create_group(GroupName=f"group-{number}")
        iam.create_user(UserName=f"user-{number}")
    first = iam.get_account_authorization_details(Filter=["User", "Group"], MaxItems=7)
    assert first["IsTruncated"]
    assert (len(first["UserDetailList"]), len(first["GroupDetailList"])) == (5, 2)
    rest = iam.get_account_authorization_details(Filter=["User", "Group"], MaxItems=7, Marker=first["Marker"])
    assert not rest["IsTruncated"]
    assert "Marker" not in rest
    assert [one["GroupName"] for one in rest["GroupDetailList"]] == ["group-2", "group-3", "group-4"]
