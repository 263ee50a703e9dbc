"""The principals of an account."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from secrets_pipeline.access.snapshot.collect import UNNAMED
from secrets_pipeline.access.snapshot.model import GroupSnapshot, PrincipalSnapshot
from tests.access.snapshot.conftest import policy, trust

if TYPE_CHECKING:
    from tests.access.snapshot.conftest import World

OTHER = "444455556666"
READER = f"arn:aws:iam::{OTHER}:role/Auditor"
AWS_MANAGED = "arn:aws:iam::aws:policy/SecretsManagerReadWrite"


def test_a_role_has_all_that_counts_for_it(world: World) -> None:
    iam = world.iam
    managed = iam.create_policy(PolicyName="managed", PolicyDocument=json.dumps(policy("s3:*")))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=managed, PolicyDocument=json.dumps(policy("sqs:*")), SetAsDefault=True)
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=json.dumps(policy("*")))["Policy"]["Arn"]
    arn = world.role(
        "reader", "ec2.amazonaws.com", Path="/app/", PermissionsBoundary=bound, Tags=[{"Key": "team", "Value": "a b"}]
    )
    iam.put_role_policy(RoleName="reader", PolicyName="own", PolicyDocument=json.dumps(policy(Resource="arn:*:%20é")))
    iam.attach_role_policy(RoleName="reader", PolicyArn=managed)
    iam.attach_role_policy(RoleName="reader", PolicyArn=AWS_MANAGED)
    profile = iam.create_instance_profile(InstanceProfileName="machine")["InstanceProfile"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="reader")
    account = world.own()
    assert account.principals == (
        PrincipalSnapshot(
            arn=arn,
            kind="role",
            inline={"own": policy(Resource="arn:*:%20é")},
            attached=tuple(sorted([managed, AWS_MANAGED])),
            boundary=bound,
            tags={"team": "a b"},
            trust=trust("ec2.amazonaws.com"),
            instance_profiles=(profile,),
        ),
    )
    assert account.managed[managed] == policy("sqs:*")
    assert account.managed[bound] == policy("*")
    assert "secretsmanager:*" in json.dumps(account.managed[AWS_MANAGED])
    assert account.unread == ""


def test_a_user_has_its_groups_and_its_boundary(world: World) -> None:
    iam = world.iam
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=json.dumps(policy("*")))["Policy"]["Arn"]
    user = iam.create_user(UserName="ann", PermissionsBoundary=bound, Tags=[{"Key": "team", "Value": "a"}])
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=json.dumps(policy()))
    iam.create_group(GroupName="admins")
    iam.put_group_policy(GroupName="admins", PolicyName="theirs", PolicyDocument=json.dumps(policy("*")))
    iam.attach_group_policy(GroupName="admins", PolicyArn=bound)
    iam.add_user_to_group(GroupName="admins", UserName="ann")
    account = world.own()
    assert account.principals == (
        PrincipalSnapshot(
            arn=user["User"]["Arn"],
            kind="user",
            inline={"own": policy()},
            groups=("admins",),
            boundary=bound,
            tags={"team": "a"},
        ),
    )
    assert account.groups == {"admins": GroupSnapshot(inline={"theirs": policy("*")}, attached=(bound,))}


def test_a_boundary_that_no_list_shows_is_fetched_and_what_one_shows_is_not(world: World) -> None:
    world.role("bounded", PermissionsBoundary=AWS_MANAGED)
    shown = world.iam.create_policy(PolicyName="shown", PolicyDocument=json.dumps(policy()))["Policy"]["Arn"]
    world.iam.attach_role_policy(RoleName="bounded", PolicyArn=shown)
    counted = world.counted()
    assert (counted["GetPolicy"], counted["GetPolicyVersion"]) == (1, 1)
    account = world.own()
    assert account.principals[0].boundary == AWS_MANAGED
    assert "secretsmanager:*" in json.dumps(account.managed[AWS_MANAGED])


def test_a_boundary_that_may_not_be_fetched_is_missing_and_nothing_else(world: World) -> None:
    world.role("bounded", PermissionsBoundary=AWS_MANAGED)
    world.deny("iam", "GetPolicyVersion")
    account = world.own()
    assert account.unread == ""
    assert account.principals[0].boundary == AWS_MANAGED
    assert AWS_MANAGED not in account.managed


def test_a_large_account_is_read_page_by_page(world: World) -> None:
    for number in range(60):
        world.role(f"role-{number:02}")
        world.iam.create_policy(PolicyName=f"policy-{number:02}", PolicyDocument=json.dumps(policy()))
    iam = world.iam
    pages = list(iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 50}))
    assert [len(page["RoleDetailList"]) for page in pages] == [50, 10, 0]
    account = world.own()
    assert [one.arn.rsplit("-", 1)[1] for one in account.principals] == [f"{number:02}" for number in range(60)]
    assert len(account.managed) == 60


def test_identity_providers_are_listed(world: World) -> None:
    assert world.own().identity_providers == ()
    made = world.iam.create_open_id_connect_provider(
        Url="https://oidc.eks.eu-west-2.amazonaws.com/id/ABC",
        ThumbprintList=["0" * 40],
        ClientIDList=["sts.amazonaws.com"],
    )
    assert world.own().identity_providers == (made["OpenIDConnectProviderArn"],)


def test_what_iam_refuses_is_said(world: World) -> None:
    world.role("reader")
    world.deny("iam", "GetAccountAuthorizationDetails")
    account = world.own()
    assert (account.principals, account.identity_providers) == ((), None)
    assert "GetAccountAuthorizationDetails" in account.unread
    assert "AccessDenied" in account.unread
    world.deny("iam", "ListOpenIDConnectProviders")
    account = world.own()
    assert (account.identity_providers, account.unread, len(account.principals)) == (None, "", 1)


def test_another_account_is_read_with_the_role_that_the_operator_names(world: World) -> None:
    theirs = world.in_account(OTHER)
    reports, auditor = theirs.role("reports"), theirs.auditor(world.account_id)
    world.role("ours")
    found = world.snapshot(accounts=[OTHER])
    assert found.accounts[OTHER].unread == UNNAMED
    assert found.accounts[OTHER].principals == ()
    found = world.snapshot(accounts=[OTHER, world.account_id], named={OTHER: auditor})
    assert {reports, auditor} <= {one.arn for one in found.accounts[OTHER].principals}
    assert found.accounts[OTHER].unread == ""
    (ours,) = found.accounts[world.account_id].principals
    assert ours.arn == f"arn:aws:iam::{world.account_id}:role/ours"
    assert set(found.accounts) == {OTHER, world.account_id}


def test_an_account_that_nobody_asked_about_is_not_read(world: World) -> None:
    found = world.snapshot(named={OTHER: READER})
    assert set(found.accounts) == {world.account_id}


def test_a_role_that_may_not_be_assumed_leaves_that_account_unread(world: World) -> None:
    world.role("ours")
    world.deny("sts", "AssumeRole")
    found = world.snapshot(accounts=[OTHER], named={OTHER: READER})
    assert ": AccessDenied: sts:AssumeRole is not allowed" in found.accounts[OTHER].unread
    assert len(found.accounts[world.account_id].principals) == 1


def test_a_role_of_a_third_account_does_not_stand_for_another(world: World) -> None:
    found = world.snapshot(accounts=[OTHER], named={OTHER: "arn:aws:iam::777788889999:role/Auditor"})
    assert found.accounts[OTHER].unread.startswith("the role named for account 444455556666 belongs to 777788889999")
