"""The comparison of endings sees whatever a fault might leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.cases import Clean, clean
from tests.faults.child import run
from tests.faults.ending import differences, ending, passwords
from tests.faults.ground import Ground

STACK = "infra-shared"
PSK, CONFIG = "infra/shared/network/vpn-pre-shared-key", "infra/shared/network/vpn-config"
ALIAS = "alias/secrets/infra/shared"
PARAMETER = "/secrets-pipeline/infra-shared/secretsmanager/network/secret_arns"


@pytest.fixture(scope="module")
def ground(grounds: Callable[[str], Ground]) -> Ground:
    return grounds(STACK)


@pytest.fixture(scope="module")
def expected(ground: Ground) -> Clean:
    return clean(ground)


def again(ground: Ground, secret: str) -> None:
    client = ground.client("secretsmanager")
    value = client.get_secret_value(SecretId=secret)["SecretString"]
    client.put_secret_value(SecretId=secret, SecretString=value)


def another_password(ground: Ground) -> None:
    document = json.loads(ground.client("secretsmanager").get_secret_value(SecretId=CONFIG)["SecretString"])
    text = json.dumps({**document, "pre_shared_key": "another"})
    ground.client("secretsmanager").update_secret(SecretId=CONFIG, SecretString=text)


LEFT: dict[str, Callable[[Ground], Any]] = {
    "a second version": lambda g: again(g, PSK),
    "a label": lambda g: g.client("secretsmanager").update_secret_version_stage(
        SecretId=PSK,
        VersionStage="LEFT",
        MoveToVersionId=g.client("secretsmanager").get_secret_value(SecretId=PSK)["VersionId"],
    ),
    "a tag": lambda g: g.client("secretsmanager").tag_resource(SecretId=PSK, Tags=[{"Key": "k", "Value": "v"}]),
    "a tag less": lambda g: g.client("secretsmanager").untag_resource(SecretId=PSK, TagKeys=["Organisation"]),
    "no mark": lambda g: g.client("secretsmanager").tag_resource(
        SecretId=PSK, Tags=[{"Key": "secrets-pipeline:spec", "Value": "new.forged"}]
    ),
    "a value rendered from another password": another_password,
    "a policy": lambda g: g.client("secretsmanager").put_resource_policy(
        SecretId=PSK,
        ResourcePolicy=json.dumps(
            {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]},
        ),
    ),
    "a description": lambda g: g.client("secretsmanager").update_secret(SecretId=PSK, Description="another"),
    "another key": lambda g: g.client("secretsmanager").update_secret(SecretId=PSK, KmsKeyId="alias/secrets-pipeline"),
    "a deletion": lambda g: g.client("secretsmanager").delete_secret(SecretId=CONFIG),
    "an orphan": lambda g: g.client("secretsmanager").create_secret(Name="orphan", SecretString="x"),
    "a key without alias": lambda g: g.client("kms").create_key(),
    "a key pending deletion": lambda g: g.client("kms").schedule_key_deletion(
        KeyId=g.client("kms").describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"], PendingWindowInDays=7
    ),
    "a key that does not rotate": lambda g: g.client("kms").disable_key_rotation(
        KeyId=g.client("kms").describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"]
    ),
    "a parameter": lambda g: g.client("ssm").put_parameter(Name="/x/y", Value="z", Type="String"),
    "another text in a parameter": lambda g: g.client("ssm").put_parameter(
        Name=PARAMETER, Value='{"vpn_psk": "arn:aws:x"}', Overwrite=True
    ),
}


@pytest.mark.parametrize("left", LEFT)
def test_what_is_left_makes_a_difference(ground: Ground, expected: Clean, left: str) -> None:
    ground.fresh()
    assert run(ground).green
    assert list(differences(ending(ground), expected.ending)) == []
    LEFT[left](ground)
    assert list(differences(ending(ground), expected.ending)) != []


def test_no_value_is_in_an_ending_and_a_regenerated_one_is_told_by_itself(ground: Ground, expected: Clean) -> None:
    ground.fresh()
    run(ground)
    before = passwords(ground)
    assert before
    text = json.dumps(ending(ground))
    assert not any(value in text for value in before.values())
    ground.fresh()
    run(ground)
    assert passwords(ground).keys() == before.keys()
    assert not set(passwords(ground).values()) & set(before.values())
