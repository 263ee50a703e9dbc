"""Each layer is broken in turn: the check turns red and names it, and AWS itself says the same when it is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from mypy_boto3_organizations import OrganizationsClient

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.in_process.running import CheckRow, provision, verify
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.runs import assert_applied

STACK = "myapp-dev"
ACCOUNT, OTHER, MANAGEMENT = "111122223333", "444455556666", "999988887777"
ROLE, SECRET = "myapp-dev-migrations", "myapp/dev/database/credentials"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/only-s3"
OPERATOR = f"arn:aws:iam::{ACCOUNT}:user/local-operator"
VERSION = "2012-10-17"


@pytest.fixture(scope="module")
def provisioned(aws: emulator.LocalAws, repository: Path) -> Path:
    """The repository, its stack applied."""
    report, _ = provision(STACK, base_path=repository, options=ApplyOptions())
    assert_applied(report)
    return repository


def checks(repository: Path) -> dict[str, CheckRow]:
    return {row.check: row for row in verify(STACK, base_path=repository, probe=True)}


def told(row: CheckRow) -> str:
    """What is not right, all of it."""
    return "; ".join(map(str, row.open))


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": VERSION, "Statement": list(statements)})


@contextmanager
def no_identity_policy(boto: boto3.Session) -> Iterator[None]:
    iam = boto.client("iam")
    name = f"secrets-pipeline-{STACK}"
    kept = iam.get_role_policy(RoleName=ROLE, PolicyName=name)["PolicyDocument"]
    iam.delete_role_policy(RoleName=ROLE, PolicyName=name)
    yield
    iam.put_role_policy(RoleName=ROLE, PolicyName=name, PolicyDocument=json.dumps(kept))


@contextmanager
def narrow_boundary(boto: boto3.Session) -> Iterator[None]:
    iam = boto.client("iam")
    iam.create_policy(
        PolicyName="only-s3", PolicyDocument=policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    )
    iam.put_role_permissions_boundary(RoleName=ROLE, PermissionsBoundary=BOUNDARY)
    yield
    iam.delete_role_permissions_boundary(RoleName=ROLE)


@contextmanager
def denying_scp(boto: boto3.Session) -> Iterator[None]:
    management = organizations(boto)
    denied = {"Sid": "Closed", "Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    made = management.create_policy(
        Name="closed", Description="", Type="SERVICE_CONTROL_POLICY", Content=policy(denied)
    )["Policy"]["PolicySummary"]["Id"]
    management.attach_policy(PolicyId=made, TargetId=ACCOUNT)
    yield
    management.detach_policy(PolicyId=made, TargetId=ACCOUNT)


def organizations(boto: boto3.Session) -> OrganizationsClient:
    """The organisation of a third account, which ours joins."""
    role = f"arn:aws:iam::{MANAGEMENT}:role/OrganizationAccountAccessRole"
    keys = boto.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    client = boto3.client(
        "organizations",
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    client.create_organization(FeatureSet="ALL")
    invited = client.invite_account_to_organization(Target={"Id": ACCOUNT, "Type": "ACCOUNT"})
    boto.client("organizations").accept_handshake(HandshakeId=invited["Handshake"]["Id"])
    return client


@contextmanager
def denying_secret_policy(boto: boto3.Session) -> Iterator[None]:
    client = boto.client("secretsmanager")
    denied = {"Sid": "NotThem", "Effect": "Deny", "Principal": {"AWS": ROLE_ARN}, "Action": "*", "Resource": "*"}
    client.put_resource_policy(SecretId=SECRET, ResourcePolicy=policy(denied))
    yield
    client.delete_resource_policy(SecretId=SECRET)


@contextmanager
def closed_key_policy(boto: boto3.Session) -> Iterator[None]:
    """Only the operator may use the key: neither the account's policies nor its principals count."""
    kms, key = boto.client("kms"), key_id(boto)
    kept = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    only = {"ArnEquals": {"aws:PrincipalArn": OPERATOR}}
    statement = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*", "Condition": only}
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(statement))
    yield
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=kept)


@contextmanager
def revoked_grant(boto: boto3.Session) -> Iterator[None]:
    """The key's policy is closed; a grant lets the role in until it is revoked."""
    kms = boto.client("kms")
    with closed_key_policy(boto):
        made = kms.create_grant(KeyId=key_id(boto), GranteePrincipal=ROLE_ARN, Operations=["Decrypt"])
        green = checks(REPOSITORY[0])["consumers_can_read"]
        assert f"role {ROLE} " not in told(green)
        kms.revoke_grant(KeyId=key_id(boto), GrantId=made["GrantId"])
        yield


@contextmanager
def disabled_key(boto: boto3.Session) -> Iterator[None]:
    kms = boto.client("kms")
    kms.disable_key(KeyId=key_id(boto))
    yield
    kms.enable_key(KeyId=key_id(boto))


@contextmanager
def other_trust(boto: boto3.Session) -> Iterator[None]:
    iam = boto.client("iam")
    kept = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    trust = json.loads(json.dumps(kept).replace("ec2.amazonaws.com", "lambda.amazonaws.com"))
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(trust))
    yield
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(kept))


def key_id(boto: boto3.Session) -> str:
    found = boto.client("secretsmanager").describe_secret(SecretId=SECRET)["KmsKeyId"]
    return found.rsplit("/", 1)[-1]


REPOSITORY: list[Path] = []
BROKEN: list[tuple[Callable[[boto3.Session], Any], str, str]] = [
    (no_identity_policy, "consumers_can_read", "no identity policy allows secretsmanager:GetSecretValue"),
    (narrow_boundary, "consumers_can_read", "no permissions boundary allows secretsmanager:GetSecretValue"),
    (denying_secret_policy, "consumers_can_read", "the secret policy (statement NotThem) denies"),
    (closed_key_policy, "consumers_can_read", "no key policy and no KMS grant allows kms:Decrypt"),
    (revoked_grant, "consumers_can_read", "no key policy and no KMS grant allows kms:Decrypt"),
    (disabled_key, "consumers_can_read", "its key is Disabled"),
    (other_trust, "consumers_are_trusted", "ec2.amazonaws.com"),
    # Last: nobody leaves an organisation here.
    (denying_scp, "consumers_can_read", "the service control policy (closed, statement Closed) denies"),
]


@pytest.mark.parametrize(("broken", "check", "named"), BROKEN, ids=[one.__name__ for one, _, _ in BROKEN])
def test_a_broken_layer_is_named_and_the_probe_agrees(
    provisioned: Path, boto: boto3.Session, broken: Callable[[boto3.Session], Any], check: str, named: str
) -> None:
    REPOSITORY[:] = [provisioned]
    if broken is denying_scp:
        _look_into_the_organization(provisioned)
    with broken(boto):
        found = checks(provisioned)
    assert (found[check].passed, found[check].severity) == (False, "ERROR")
    assert named in told(found[check])
    assert f"role {ROLE} " in told(found[check])
    assert found["probe_agrees"].passed, found["probe_agrees"].detail


def test_whole_again_every_access_check_is_green(provisioned: Path) -> None:
    """What was broken was mended: the layers above were red for that reason alone."""
    found = checks(provisioned)
    names = ("consumers_can_read", "nobody_else_can_read", "consumers_are_trusted", "probe_agrees")
    assert {name: found[name].passed for name in names} == dict.fromkeys(names, True), found


@contextmanager
def administrators(boto: boto3.Session) -> Iterator[None]:
    """What most accounts have."""
    iam = boto.client("iam")
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    roles = {
        "AWSReservedSSO_AdministratorAccess_0123456789abcdef": "/aws-reserved/sso.amazonaws.com/eu-west-2/",
        "OrganizationAccountAccessRole": "/",
    }
    everything = "arn:aws:iam::aws:policy/AdministratorAccess"
    for name, path in roles.items():
        iam.create_role(Path=path, RoleName=name, AssumeRolePolicyDocument=trust)
        iam.attach_role_policy(RoleName=name, PolicyArn=everything)
    yield
    for name in roles:
        iam.detach_role_policy(RoleName=name, PolicyArn=everything)
        iam.delete_role(RoleName=name)


def test_administrators_whom_the_settings_name_may_read_and_others_are_one_error(
    provisioned: Path, boto: boto3.Session
) -> None:
    settings = provisioned / "operator.yaml"
    kept = settings.read_text()
    silent = yaml.safe_load(kept)
    del silent["access"]["allowed_readers"]
    with administrators(boto):
        said = checks(provisioned)["nobody_else_can_read"]
        settings.write_text(yaml.safe_dump(silent))
        unsaid = checks(provisioned)["nobody_else_can_read"]
    settings.write_text(kept)
    assert (said.passed, said.severity) == (False, "ERROR")
    assert told(said).startswith("administrators: 1 administrator of the account can read ")
    assert f'"arn:aws:iam::{ACCOUNT}:role/OrganizationAccountAccessRole"]}}' in told(said)
    assert (unsaid.passed, unsaid.severity) == (False, "WARN")
    assert told(unsaid).startswith("administrators: 2 administrators of the account can read ")
    assert checks(provisioned)["nobody_else_can_read"].passed


def test_an_outsider_who_can_read_is_an_error(provisioned: Path, boto: boto3.Session) -> None:
    iam = boto.client("iam")
    trust = policy({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName="outsider", AssumeRolePolicyDocument=trust)
    reads = {"Sid": "All", "Effect": "Allow", "Action": ["secretsmanager:*", "kms:*"], "Resource": "*"}
    iam.put_role_policy(RoleName="outsider", PolicyName="all", PolicyDocument=policy(reads))
    found = checks(provisioned)["nobody_else_can_read"]
    assert (found.passed, found.severity) == (False, "ERROR")
    (said,) = [one for one in found.open if "role outsider of 111122223333 can read it: " in one.sentence]
    assert "myapp/dev/api/api-key" in said.subjects
    assert str(said) in told(found)
    settings = provisioned / "operator.yaml"
    document = yaml.safe_load(settings.read_text())
    document["access"]["allowed_readers"] += ["arn:aws:iam::*:role/outsider"]
    settings.write_text(yaml.safe_dump(document))
    assert checks(provisioned)["nobody_else_can_read"].passed


def _look_into_the_organization(repository: Path) -> None:
    """The operator names a role that may read the organisation's policies."""
    settings = repository / "operator.yaml"
    document = yaml.safe_load(settings.read_text())
    document["access"]["organization_role_arn"] = f"arn:aws:iam::{MANAGEMENT}:role/OrganizationAccountAccessRole"
    settings.write_text(yaml.safe_dump(document))
