"""Principals that do not exist, or not for long: refused as AWS refuses them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.emulator import LocalAws, Pace, advance, reset_conditions, set_pace
from tests.emulator.conftest import Clients

if TYPE_CHECKING:
    from tests.emulator.conftest import Refused

SECONDS = 60.0
LATER = timedelta(seconds=SECONDS)
OTHER_ACCOUNT = "444455556666"
_numbers = itertools.count()


@pytest.fixture
def strict(aws: LocalAws, clients: Clients) -> Iterator[Clients]:
    """An AWS that shows a role to policies a minute after it was made."""
    set_pace(aws, Pace(seconds={"CreateRole to policies that name the role": SECONDS}))
    yield clients
    reset_conditions(aws)


def policy(principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "*", "Resource": "*"}
    root = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement, root]})


def new_role(clients: Clients, path: str = "/") -> str:
    name = f"role-{next(_numbers)}"
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    return clients.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)["Role"]["Arn"]


def test_a_principal_that_does_not_exist_is_refused_by_secrets_manager_and_kms(
    strict: Clients, refused: Refused, name: str
) -> None:
    strict.secrets.create_secret(Name=name, SecretString="x")
    missing = policy("arn:aws:iam::111122223333:role/nobody")
    with refused("MalformedPolicyDocumentException") as failure:
        strict.secrets.put_resource_policy(SecretId=name, ResourcePolicy=missing)
    assert "unsupported principal" in str(failure.value)
    with refused("MalformedPolicyDocumentException") as failure:
        strict.kms.create_key(Policy=missing)
    assert "invalid principals" in str(failure.value)
    key = strict.kms.create_key()["KeyMetadata"]["KeyId"]
    with refused("MalformedPolicyDocumentException"):
        strict.kms.put_key_policy(KeyId=key, Policy=missing)
    assert "nobody" not in strict.kms.get_key_policy(KeyId=key)["Policy"]
    assert "ResourcePolicy" not in strict.secrets.get_resource_policy(SecretId=name)


@pytest.mark.parametrize("path", ["/", "/teams/blue/"])
def test_a_role_that_was_just_made_is_refused_and_later_taken(
    aws: LocalAws, strict: Clients, refused: Refused, name: str, path: str
) -> None:
    strict.secrets.create_secret(Name=name, SecretString="x")
    document = policy(new_role(strict, path))
    with refused("MalformedPolicyDocumentException"):
        strict.secrets.put_resource_policy(SecretId=name, ResourcePolicy=document)
    advance(aws, LATER)
    strict.secrets.put_resource_policy(SecretId=name, ResourcePolicy=document)
    assert strict.secrets.get_resource_policy(SecretId=name)["ResourcePolicy"] == document


def test_a_key_for_a_new_role_of_another_account_is_refused_and_later_made(
    aws: LocalAws, strict: Clients, refused: Refused
) -> None:
    document = policy(new_role(strict.in_account(OTHER_ACCOUNT)))
    with refused("MalformedPolicyDocumentException"):
        strict.kms.create_key(Policy=document)
    advance(aws, LATER)
    made = strict.kms.create_key(Policy=document)
    assert json.loads(strict.kms.get_key_policy(KeyId=made["KeyMetadata"]["KeyId"])["Policy"]) == json.loads(document)


@pytest.mark.parametrize(
    "principal", ["111122223333", "arn:aws:iam::444455556666:root", "*", "arn:aws:sts::111122223333:federated-user/x"]
)
def test_accounts_everybody_and_what_moto_does_not_know_are_taken(strict: Clients, name: str, principal: str) -> None:
    strict.secrets.create_secret(Name=name, SecretString="x")
    strict.secrets.put_resource_policy(SecretId=name, ResourcePolicy=policy(principal))


def new_user(clients: Clients) -> str:
    return clients.iam.create_user(UserName=f"user-{next(_numbers)}")["User"]["Arn"]


def new_session(clients: Clients) -> str:
    return f"arn:aws:sts::111122223333:assumed-role/{new_role(clients).rsplit('/', 1)[-1]}/session"


@pytest.mark.parametrize("made", [new_user, new_session])
def test_users_and_sessions_are_looked_up_too(
    aws: LocalAws, strict: Clients, refused: Refused, name: str, made: Callable[[Clients], str]
) -> None:
    strict.secrets.create_secret(Name=name, SecretString="x")
    document = policy(made(strict))
    with refused("MalformedPolicyDocumentException"):
        strict.secrets.put_resource_policy(SecretId=name, ResourcePolicy=document)
    advance(aws, LATER)
    strict.secrets.put_resource_policy(SecretId=name, ResourcePolicy=document)


def test_by_default_any_principal_is_taken(clients: Clients, name: str) -> None:
    clients.secrets.create_secret(Name=name, SecretString="x")
    document = policy("arn:aws:iam::111122223333:role/nobody")
    clients.secrets.put_resource_policy(SecretId=name, ResourcePolicy=document)


@pytest.mark.parametrize("account_id", ["111122223333", OTHER_ACCOUNT])
def test_a_deleted_role_is_its_unique_id_in_each_policy_that_names_it_and_stays_so_when_its_name_is_taken_again(
    clients: Clients, name: str, account_id: str
) -> None:
    theirs = clients if account_id == "111122223333" else clients.in_account(account_id)
    role = new_role(theirs)
    role_name = role.rpartition("/")[2]
    role_id = theirs.iam.get_role(RoleName=role_name)["Role"]["RoleId"]
    clients.secrets.create_secret(Name=name, SecretString="x")
    clients.secrets.put_resource_policy(SecretId=name, ResourcePolicy=policy(role))
    key = clients.kms.create_key(Policy=policy(role))["KeyMetadata"]["KeyId"]
    trusting = new_role(clients).rpartition("/")[2]
    assumes = {"Effect": "Allow", "Principal": {"AWS": [role, OTHER_ACCOUNT]}, "Action": "sts:AssumeRole"}
    listed = json.dumps({"Version": "2012-10-17", "Statement": [assumes]})
    clients.iam.update_assume_role_policy(RoleName=trusting, PolicyDocument=listed)

    def named() -> list[object]:
        secret = json.loads(clients.secrets.get_resource_policy(SecretId=name)["ResourcePolicy"])
        of_key = json.loads(clients.kms.get_key_policy(KeyId=key)["Policy"])
        trust: Any = clients.iam.get_role(RoleName=trusting)["Role"]["AssumeRolePolicyDocument"]
        return [one["Statement"][0]["Principal"]["AWS"] for one in (secret, of_key, trust)]

    assert named() == [role, role, [role, OTHER_ACCOUNT]]
    theirs.iam.delete_role(RoleName=role_name)
    assert named() == [role_id, role_id, [role_id, OTHER_ACCOUNT]]
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    theirs.iam.create_role(RoleName=role_name, AssumeRolePolicyDocument=trust)
    assert named() == [role_id, role_id, [role_id, OTHER_ACCOUNT]]
