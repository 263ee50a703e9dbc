"""What AWS does not document for the regions of China and of the European Sovereign Cloud is not taken for known."""

from __future__ import annotations

import pytest

from secrets_pipeline.access.evaluator import Caller, Layer, Policy, PrincipalKind, TargetResource
from secrets_pipeline.access.policy_text.statements import key_policy
from secrets_pipeline.access.reach.reader import Allowed, ReadableKey, ReadableSecret, Reader, Unknown

ACCOUNT, READERS = "111122223333", "444455556666"


def secret(region: str, partition: str) -> ReadableSecret:
    """Under a key with the policy that the pipeline gives to its keys."""
    policy = Policy("key", key_policy(ACCOUNT, region, partition, [], ()))
    key = TargetResource(f"arn:{partition}:kms:{region}:{ACCOUNT}:key/1", ACCOUNT, Layer.KEY_POLICY, policy)
    target = TargetResource(f"arn:{partition}:secretsmanager:{region}:{ACCOUNT}:secret:a", ACCOUNT, Layer.SECRET_POLICY)
    return ReadableSecret(target, "a", region, (ReadableKey(key),))


def reader(partition: str, *actions: str) -> Reader:
    allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    policy = Policy("own", {"Version": "2012-10-17", "Statement": [allowed]})
    return Reader(
        Caller(f"arn:{partition}:iam::{ACCOUNT}:role/reader", ACCOUNT, PrincipalKind.ROLE, identity=(policy,))
    )


@pytest.mark.parametrize(
    ("region", "partition", "verdict"),
    [
        ("eu-west-2", "aws", Allowed),
        ("us-gov-west-1", "aws-us-gov", Allowed),
        ("cn-north-1", "aws-cn", Unknown),
        ("eusc-de-east-1", "aws-eusc", Unknown),
    ],
)
def test_a_key_policy_that_asks_for_the_service_makes_an_answer_unknown(
    region: str, partition: str, verdict: type[object]
) -> None:
    found = reader(partition, "secretsmanager:*").read(secret(region, partition))
    assert isinstance(found, verdict)


def test_a_made_key_policy_lets_secrets_manager_in_under_either_name() -> None:
    both = ["secretsmanager.cn-north-1.amazonaws.com", "secretsmanager.cn-north-1.amazonaws.com.cn"]
    reads = [f"arn:aws-cn:iam::{READERS}:role/reader"]
    conditions = [
        one["Condition"]["StringEquals"]["kms:ViaService"]
        for one in key_policy(ACCOUNT, "cn-north-1", "aws-cn", [], reads)["Statement"]
        if "Condition" in one
    ]
    assert conditions == [both, both]
    single = key_policy(ACCOUNT, "eu-west-2", "aws", [], ())["Statement"][1]["Condition"]["StringEquals"]
    assert single["kms:ViaService"] == "secretsmanager.eu-west-2.amazonaws.com"


def test_where_it_makes_no_difference_the_answer_is_certain() -> None:
    found = reader("aws-cn", "secretsmanager:GetSecretValue", "kms:Decrypt").read(secret("cn-north-1", "aws-cn"))
    assert isinstance(found, Allowed)
