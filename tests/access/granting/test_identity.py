"""Identity policies over any secrets and keys: they let read what they are made for, and nothing that looks like it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from secrets_pipeline.access.evaluator import Layer, Policy, Request, TargetResource, authorize
from secrets_pipeline.access.granting.identity import Readable, identity_policy
from secrets_pipeline.access.granting.names import key_arn, secret_arn_pattern
from secrets_pipeline.access.reach.reader import Allowed, ReadableKey, ReadableSecret
from tests.access.granting.conftest import ACCOUNT, DELEGATES, PARTITION, REGION, caller, read

ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders"
NAMES = st.text("ab-/+._@=Z1", min_size=1, max_size=12)
SUFFIXES = st.text("abcXYZ123", min_size=6, max_size=6)
KEYS = [f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-{number:012d}" for number in range(3)]


def pattern(name: str) -> str:
    return secret_arn_pattern(name, partition=PARTITION, region=REGION, account_id=ACCOUNT)


def complete(name: str, suffix: str = "Ab3dE6") -> str:
    return f"arn:{PARTITION}:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-{suffix}"


def secret(name: str, *keys: str) -> ReadableSecret:
    delegating = Policy("key", {"Version": "2012-10-17", "Statement": [DELEGATES]})
    targets = [TargetResource(key, ACCOUNT, Layer.KEY_POLICY, delegating) for key in keys]
    found = tuple(ReadableKey(target) for target in targets)
    return ReadableSecret(TargetResource(complete(name), ACCOUNT, Layer.SECRET_POLICY), name, REGION, found)


def reads(document: object, arn: str) -> bool | None:
    assert isinstance(document, dict)
    target = TargetResource(arn, ACCOUNT, Layer.SECRET_POLICY)
    return authorize(Request("secretsmanager:GetSecretValue"), caller(ROLE, document), target).allowed


@given(name=NAMES, other=NAMES, suffix=SUFFIXES)
@example(name="db", other="db-abcdef", suffix="XYZ123")
@example(name="db-abcdef", other="db", suffix="abcdef")
@example(name="db", other="db-abcde", suffix="XYZ123")
@example(name="db", other="team/db", suffix="XYZ123")
def test_six_question_marks_match_every_arn_of_their_name_and_no_sibling(name: str, other: str, suffix: str) -> None:
    document = identity_policy([Readable(pattern(name))])
    assert reads(document, complete(name, suffix)) is True
    assert reads(document, complete(other, suffix)) is (other == name)


@given(
    under=st.dictionaries(NAMES, st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True), min_size=1),
    chosen=st.randoms(use_true_random=False),
)
def test_some_secrets_under_some_keys_are_read_and_no_others(
    under: dict[str, list[str]],
    chosen: object,
) -> None:
    names = sorted(under)
    granted = set(names[: max(1, chosen.randint(1, len(names)))])  # type: ignore[attr-defined] # a Random of hypothesis
    document = identity_policy(Readable(pattern(name), tuple(under[name])) for name in granted)
    who = caller(ROLE, document)
    for name in names:
        for key in KEYS:
            allowed = isinstance(read(who, secret(name, key)), Allowed)
            assert allowed is (name in granted and key in under[name])


@given(st.lists(st.tuples(NAMES, st.sampled_from(KEYS)), min_size=1, max_size=6))
def test_the_order_of_the_secrets_changes_nothing_and_a_sid_is_there_once(pairs: Sequence[tuple[str, str]]) -> None:
    readables = [Readable(pattern(name), (key,)) for name, key in pairs]
    document = identity_policy(readables)
    assert document == identity_policy(readables[::-1])
    sids = [one["Sid"] for one in document["Statement"]]
    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)


def test_a_secret_between_two_keys_needs_one_statement_and_two_keys_with_their_own_secrets_two() -> None:
    moving = identity_policy([Readable(pattern("a"), (KEYS[0], KEYS[1]))])
    assert [one["Resource"] for one in moving["Statement"][1:]] == [[KEYS[0], KEYS[1]]]
    two = identity_policy([Readable(pattern("a"), (KEYS[0],)), Readable(pattern("b"), (KEYS[1],))])
    assert [(one["Sid"], one["Resource"]) for one in two["Statement"][1:]] == [
        ("SecretsPipelineDecrypt1", [KEYS[0]]),
        ("SecretsPipelineDecrypt2", [KEYS[1]]),
    ]


def test_the_document_is_as_aws_documents_it() -> None:
    alias = key_arn("alias/myapp", partition=PARTITION, region=REGION, account_id=ACCOUNT)
    arn = pattern("myapp/dev/db")
    assert arn == "arn:aws:secretsmanager:eu-west-2:111122223333:secret:myapp/dev/db-??????"
    assert identity_policy([Readable(arn, (KEYS[0], alias))]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "SecretsPipelineRead",
                "Effect": "Allow",
                "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                "Resource": [arn],
            },
            {
                "Sid": "SecretsPipelineDecrypt1",
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": ["arn:aws:kms:eu-west-2:111122223333:key/*"],
                "Condition": {
                    "StringEquals": {"kms:ViaService": "secretsmanager.eu-west-2.amazonaws.com"},
                    "StringLike": {"kms:EncryptionContext:SecretARN": [arn]},
                    "ForAnyValue:StringEquals": {"kms:ResourceAliases": ["alias/myapp"]},
                },
            },
            {
                "Sid": "SecretsPipelineDecrypt2",
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": [KEYS[0]],
                "Condition": {
                    "StringEquals": {"kms:ViaService": "secretsmanager.eu-west-2.amazonaws.com"},
                    "StringLike": {"kms:EncryptionContext:SecretARN": [arn]},
                },
            },
        ],
    }
