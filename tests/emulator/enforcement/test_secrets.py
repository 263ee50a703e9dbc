"""Secrets Manager refuses as AWS does: each layer in turn, in AWS's words."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.emulator.conftest import Clients
from tests.emulator.enforcement.ground import OWN, READ, Actors, allow, deny, document, of, refusal, value

_numbers = itertools.count()
NO_IDENTITY = f"because no identity-based policy allows the {READ} action"


@pytest.fixture
def actors(clients: Clients) -> Actors:
    return Actors(clients, clients, OWN)


@pytest.fixture
def role() -> str:
    return f"reader-{next(_numbers)}"


@pytest.fixture
def secret(clients: Clients, name: str) -> str:
    return clients.secrets.create_secret(Name=name, SecretString="x", Tags=[{"Key": "team", "Value": "blue"}])["ARN"]


def denied(clients: Clients, role: str, secret_id: str, because: str, action: str = READ) -> None:
    """A role's session may not read, and is told why."""
    code, message = refusal(lambda: value(clients, secret_id))
    user = f"arn:aws:sts::{OWN}:assumed-role/{role}/test"
    assert code == "AccessDeniedException"
    assert message == f"User: {user} is not authorized to perform: {action} on resource: {secret_id} {because}"


def test_a_role_reads_what_its_policy_allows(actors: Actors, role: str, secret: str, name: str) -> None:
    actors.role(role, allow(READ, resource=f"arn:aws:secretsmanager:*:*:secret:{name}-??????"))
    reader = actors.session(role)
    assert value(reader, secret) == value(reader, name) == "x"
    assert refusal(lambda: reader.secrets.describe_secret(SecretId=secret))[0] == "AccessDeniedException"


def test_a_role_without_a_policy_reads_nothing(actors: Actors, role: str, secret: str, name: str) -> None:
    actors.role(role)
    reader = actors.session(role)
    denied(reader, role, secret, NO_IDENTITY)
    denied(reader, role, name, NO_IDENTITY)


def test_a_policy_that_is_taken_away_counts_no_more_in_a_running_session(
    actors: Actors, role: str, secret: str
) -> None:
    actors.role(role, allow(READ))
    reader = actors.session(role)
    assert value(reader, secret) == "x"
    actors.clients.iam.delete_role_policy(RoleName=role, PolicyName="inline")
    denied(reader, role, secret, NO_IDENTITY)


def test_a_secret_that_is_missing_is_not_found_by_those_who_might_read_it_only(actors: Actors, role: str) -> None:
    actors.role(role, allow(READ, resource="arn:aws:secretsmanager:*:*:secret:mine-??????"))
    reader = actors.session(role)
    denied(reader, role, "mine", NO_IDENTITY)
    actors.allow(role, allow(READ))
    assert refusal(lambda: value(reader, "mine"))[0] == "ResourceNotFoundException"


def test_managed_policies_of_account_and_aws_count(actors: Actors, role: str, secret: str) -> None:
    actors.role(role)
    arn = actors.managed(role, allow(READ))
    reader = actors.session(role)
    actors.clients.iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    assert value(reader, secret) == "x"
    actors.clients.iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    denied(reader, role, secret, NO_IDENTITY)
    actors.clients.iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/SecretsManagerReadWrite")
    assert value(reader, secret) == "x"


def test_a_secret_policy_grants_inside_its_account_without_an_identity_policy(
    actors: Actors, clients: Clients, role: str, secret: str
) -> None:
    arn = actors.role(role)
    clients.secrets.put_resource_policy(SecretId=secret, ResourcePolicy=document(allow(READ, **of(arn))))
    assert value(actors.session(role), secret) == "x"


def test_an_account_in_a_secret_policy_grants_nothing_by_itself(
    actors: Actors, clients: Clients, role: str, secret: str
) -> None:
    actors.role(role)
    clients.secrets.put_resource_policy(SecretId=secret, ResourcePolicy=document(allow(READ, **of(OWN))))
    denied(actors.session(role), role, secret, NO_IDENTITY)


def test_an_explicit_deny_of_the_secret_policy_holds_for_everybody(
    actors: Actors, clients: Clients, role: str, secret: str
) -> None:
    actors.role(role, allow("*"))
    clients.secrets.put_resource_policy(SecretId=secret, ResourcePolicy=document(deny(READ, Principal="*")))
    denied(actors.session(role), role, secret, "with an explicit deny in a resource-based policy")
    user = f"User: arn:aws:iam::{OWN}:user/local-operator is not authorized to perform: {READ} on resource: {secret}"
    because = "with an explicit deny in a resource-based policy"
    assert refusal(lambda: value(clients, secret)) == ("AccessDeniedException", f"{user} {because}")


def test_an_explicit_deny_of_the_identity_policy_holds_against_the_secret_policy(
    actors: Actors, clients: Clients, role: str, secret: str
) -> None:
    arn = actors.role(role, deny(READ))
    clients.secrets.put_resource_policy(SecretId=secret, ResourcePolicy=document(allow(READ, **of(arn))))
    denied(actors.session(role), role, secret, "with an explicit deny in an identity-based policy")


def test_a_boundary_limits_what_the_identity_policy_allows(actors: Actors, role: str, secret: str) -> None:
    actors.role(role, allow("*"))
    reader = actors.session(role)
    actors.clients.iam.put_role_permissions_boundary(
        RoleName=role, PermissionsBoundary=actors.managed(f"{role}-a", allow("s3:*"))
    )
    denied(reader, role, secret, f"because no permissions boundary allows the {READ} action")
    actors.clients.iam.put_role_permissions_boundary(
        RoleName=role, PermissionsBoundary=actors.managed(f"{role}-b", allow("*"), deny(READ))
    )
    denied(reader, role, secret, "with an explicit deny in a permissions boundary")
    actors.clients.iam.delete_role_permissions_boundary(RoleName=role)
    assert value(reader, secret) == "x"


def test_a_session_policy_limits_its_session(actors: Actors, role: str, secret: str) -> None:
    actors.role(role, allow("*"))
    narrow = actors.session(role, Policy=document(allow("secretsmanager:DescribeSecret")))
    assert narrow.secrets.describe_secret(SecretId=secret)["ARN"] == secret
    denied(narrow, role, secret, f"because no session policy allows the {READ} action")
    denied(
        actors.session(role, Policy=document(allow("*"), deny(READ))),
        role,
        secret,
        "with an explicit deny in a session policy",
    )
    by_arn = actors.session(role, PolicyArns=[{"arn": actors.managed(role, allow("s3:*"))}])
    denied(by_arn, role, secret, f"because no session policy allows the {READ} action")
    assert value(actors.session(role), secret) == "x"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"StringEquals": {"secretsmanager:ResourceTag/team": "blue"}}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "red"}}, False),
        ({"StringEquals": {"aws:PrincipalTag/team": "${secretsmanager:ResourceTag/team}"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/stage": "dev"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/stage": "prod"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/reader-*"}}, True),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-2"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
        ({"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}, False),
        ({"StringEqualsIfExists": {"secretsmanager:VersionStage": "AWSCURRENT"}}, True),
        ({"StringLike": {"aws:userid": "*:test"}}, True),
    ],
)
def test_conditions_see_principal_secret_and_request(
    actors: Actors, role: str, secret: str, condition: dict[str, Any], holds: bool
) -> None:
    tags: Any = [{"Key": "stage", "Value": "dev"}, {"Key": "team", "Value": "none"}]
    actors.role(role, allow(READ, Condition=condition), Tags=tags)
    reader = actors.session(role, Tags=[{"Key": "team", "Value": "blue"}])
    assert (refusal(lambda: value(reader, secret))[0] == "") is holds


def test_a_stage_that_is_asked_for_is_seen(actors: Actors, role: str, secret: str) -> None:
    condition = {"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}
    actors.role(role, allow(READ, Condition=condition))
    reader = actors.session(role)
    answer = reader.secrets.get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")
    assert answer["SecretString"] == "x"


def test_a_user_is_judged_with_its_groups_and_boundary(actors: Actors, role: str, secret: str) -> None:
    user = actors.user(role)
    expected = f"User: arn:aws:iam::{OWN}:user/{role} is not authorized to perform: {READ} on resource: {secret}"
    assert refusal(lambda: value(user, secret)) == ("AccessDeniedException", f"{expected} {NO_IDENTITY}")
    iam = actors.clients.iam
    iam.create_group(GroupName=role)
    iam.put_group_policy(GroupName=role, PolicyName="read", PolicyDocument=document(allow(READ)))
    iam.add_user_to_group(GroupName=role, UserName=role)
    assert value(user, secret) == "x"
    iam.put_user_permissions_boundary(UserName=role, PermissionsBoundary=actors.managed(role, allow("s3:*")))
    assert "no permissions boundary" in refusal(lambda: value(user, secret))[1]


def test_operations_without_a_resource_name_none(actors: Actors, role: str) -> None:
    actors.role(role)
    reader = actors.session(role)
    user = f"arn:aws:sts::{OWN}:assumed-role/{role}/test"
    for operation, call in (
        ("ListSecrets", reader.secrets.list_secrets),
        ("GetRandomPassword", reader.secrets.get_random_password),
    ):
        action = f"secretsmanager:{operation}"
        expected = f"User: {user} is not authorized to perform: {action} because no identity-based policy allows the"
        assert refusal(call) == ("AccessDeniedException", f"{expected} {action} action")


def test_a_batch_answers_for_each_secret(actors: Actors, clients: Clients, role: str, secret: str, name: str) -> None:
    hidden = clients.secrets.create_secret(Name=f"{name}-hidden", SecretString="y")["ARN"]
    actors.role(role, allow("secretsmanager:BatchGetSecretValue"), allow(READ, resource=secret))
    reader = actors.session(role)
    answer = reader.secrets.batch_get_secret_value(SecretIdList=[secret, hidden])
    assert [one["SecretString"] for one in answer["SecretValues"]] == ["x"]
    ((failed, code),) = ((one["SecretId"], one["ErrorCode"]) for one in answer["Errors"])
    assert (failed, code) == (hidden, "AccessDeniedException")
    by_filter: Any = [{"Key": "name", "Values": [name]}]
    refused = refusal(lambda: reader.secrets.batch_get_secret_value(Filters=by_filter))
    assert "secretsmanager:ListSecrets" in refused[1]


def test_a_new_secret_with_tags_needs_leave_to_tag(actors: Actors, role: str, name: str) -> None:
    place = f"arn:aws:secretsmanager:*:*:secret:{name}-??????"
    actors.role(role, allow("secretsmanager:CreateSecret", resource=place))
    writer = actors.session(role)
    tags: Any = [{"Key": "a", "Value": "b"}]
    refused = refusal(lambda: writer.secrets.create_secret(Name=name, SecretString="x", Tags=tags))
    assert f"perform: secretsmanager:TagResource on resource: {name} because" in refused[1]
    assert refusal(lambda: writer.secrets.create_secret(Name="other", SecretString="x"))[0] == "AccessDeniedException"
    assert writer.secrets.create_secret(Name=name, SecretString="x")["Name"] == name


def test_a_refused_call_changes_nothing(actors: Actors, clients: Clients, role: str, secret: str) -> None:
    actors.role(role, allow("secretsmanager:Describe*"))
    writer, before = actors.session(role), clients.secrets.describe_secret(SecretId=secret)
    for call in (
        lambda: writer.secrets.put_secret_value(SecretId=secret, SecretString="y"),
        lambda: writer.secrets.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True),
        lambda: writer.secrets.put_resource_policy(SecretId=secret, ResourcePolicy=document(allow("*", **of(OWN)))),
        lambda: writer.secrets.tag_resource(SecretId=secret, Tags=[{"Key": "a", "Value": "b"}]),
        lambda: writer.secrets.rotate_secret(SecretId=secret),
    ):
        assert refusal(call)[0] == "AccessDeniedException"
    after = clients.secrets.describe_secret(SecretId=secret)
    assert {**before, "ResponseMetadata": None} == {**after, "ResponseMetadata": None}
    assert value(clients, secret) == "x"
