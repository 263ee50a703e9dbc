"""The comparison of endings sees whatever a fault might leave."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from secrets_pipeline import emulator
from tests.embedded import lead_to
from tests.faults.cases import Clean, leaks
from tests.faults.child import run
from tests.faults.ending import differences, ending, parsed, passwords
from tests.faults.ground import OPERATOR, Ground
from tests.faults.solo import Solo

STACK = "infra-shared"
PSK, CONFIG = "infra/shared/network/vpn-pre-shared-key", "infra/shared/network/vpn-config"
ALIAS = "alias/secrets/infra/shared"
PARAMETER = "/secrets-pipeline/infra-shared/secretsmanager/network/secret_arns"
NOTHING: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "secretsmanager:PutSecretValue", "Resource": "*"}],
}


@pytest.fixture(scope="module")
def ground(aws: emulator.LocalAws) -> Iterator[Ground]:
    """For looking and for leaving something behind; runs take place in `solo`."""
    with pytest.MonkeyPatch.context() as patch:
        lead_to(aws, patch, SECRETS_PIPELINE_CONFIG=str(OPERATOR))
        yield Ground.of(aws, STACK)


def write_again(ground: Ground, secret: str) -> None:
    client = ground.client("secretsmanager")
    value = client.get_secret_value(SecretId=secret)["SecretString"]
    client.put_secret_value(SecretId=secret, SecretString=value)


def another_password(ground: Ground) -> None:
    document = json.loads(ground.client("secretsmanager").get_secret_value(SecretId=CONFIG)["SecretString"])
    text = json.dumps({**document, "pre_shared_key": "another"})
    ground.client("secretsmanager").update_secret(SecretId=CONFIG, SecretString=text)


LEFT: dict[str, Callable[[Ground], Any]] = {
    "a second version": lambda g: write_again(g, PSK),
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
        ResourcePolicy=json.dumps({"Statement": [{**NOTHING["Statement"][0], "Principal": "*"}]}),
    ),
    "an inline policy": lambda g: g.client("iam").put_role_policy(
        RoleName="vpn-appliance", PolicyName="left", PolicyDocument=json.dumps(NOTHING)
    ),
    "a policy of ours less": lambda g: g.client("iam").delete_role_policy(
        RoleName="vpn-appliance", PolicyName="secrets-pipeline-infra-shared"
    ),
    "a description": lambda g: g.client("secretsmanager").update_secret(SecretId=PSK, Description="another"),
    "another key": lambda g: g.client("secretsmanager").update_secret(SecretId=PSK, KmsKeyId="alias/secrets-pipeline"),
    "an orphan": lambda g: g.client("secretsmanager").create_secret(Name="orphan", SecretString="x"),
    "a key without alias": lambda g: g.client("kms").create_key(),
    "a key that does not rotate": lambda g: g.client("kms").disable_key_rotation(
        KeyId=g.client("kms").describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"]
    ),
    "a parameter": lambda g: g.client("ssm").put_parameter(Name="/x/y", Value="z", Type="String"),
    "another text in a parameter": lambda g: g.client("ssm").put_parameter(
        Name=PARAMETER, Value='{"vpn_psk": "arn:aws:x"}', Overwrite=True
    ),
    # These two hide others.
    "a key pending deletion": lambda g: g.client("kms").schedule_key_deletion(
        KeyId=g.client("kms").describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"], PendingWindowInDays=7
    ),
    "a deletion": lambda g: g.client("secretsmanager").delete_secret(SecretId=CONFIG),
}


def test_whatever_is_left_makes_a_difference(ground: Ground, solo: Solo, expected: Callable[[str], Clean]) -> None:
    clean = expected(STACK).ending
    ground.fresh()
    assert solo(run, STACK).green
    seen = set(differences(ending(ground), clean))
    assert seen == set()
    for left, leave in LEFT.items():
        leave(ground)
        now = set(differences(ending(ground), clean))
        assert now != seen, left
        seen = now


def test_no_value_is_in_an_ending_and_a_regenerated_one_is_told_by_itself(ground: Ground, solo: Solo) -> None:
    ground.fresh()
    solo(run, STACK)
    before = passwords(ground)
    assert before
    text = json.dumps(ending(ground))
    assert not any(value in text for value in before.values())
    ground.fresh()
    solo(run, STACK)
    assert passwords(ground).keys() == before.keys()
    assert not set(passwords(ground).values()) & set(before.values())


def test_a_value_in_the_output_is_found_stored_or_not(ground: Ground, solo: Solo) -> None:
    ground.fresh()
    first = solo(run, STACK)
    assert set(first.generated) == set(passwords(ground).values())
    assert list(leaks(ground, [first])) == []
    for value in ("never-stored", *first.generated):
        told = replace(first, output=f"it is {value}!".encode(), generated=(*first.generated, "never-stored"))
        assert list(leaks(ground, [told])) != []
        assert value not in "".join(leaks(ground, [told]))
        assert list(leaks(ground, [replace(told, output=b"", error=f"refused: {value}")])) != []


@pytest.mark.parametrize("value", ['"a random value"', "17", "null", "true", "{a"])
def test_a_random_value_that_happens_to_be_json_is_compared_as_it_is(value: str) -> None:
    assert parsed(value) == value
    assert parsed(json.dumps({"value": value, "port": 1})) == {"value": value, "port": "1"}
