"""A reader remembers what KMS answers for a key, and never takes it for another secret."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.access.reach.reader import Allowed, DeniedByKms, Reader
from tests.access.builders import (
    AWAY,
    DECRYPT,
    DELEGATES,
    HOME,
    KEY,
    NAME,
    OTHER_NAME,
    ROLE,
    VIA,
    Statement,
    allow,
    deny,
    document,
    secret_arn,
    when,
    world,
)


def test_a_key_for_one_secret_opens_that_one_alone() -> None:
    made = world()
    made.secret(OTHER_NAME)
    condition = when("StringEquals", "kms:EncryptionContext:SecretARN", secret_arn(OTHER_NAME))
    made.key(KEY, allow("kms:*", principal=HOME, condition=condition))
    estate = made.estate()
    mine, other = estate.secret(NAME), estate.secret(OTHER_NAME)
    assert mine is not None
    assert other is not None
    for order in ((mine, other), (other, mine)):
        reader = Reader(estate.caller(ROLE))
        verdicts = {secret.name: type(reader.read(secret)) for secret in order}
        assert verdicts == {NAME: DeniedByKms, OTHER_NAME: Allowed}


SECRETS = (NAME, OTHER_NAME, "shop/dev/queue")
LOOKS: list[dict[str, Any]] = [
    {},
    *[when("StringEquals", "kms:EncryptionContext:SecretARN", secret_arn(name)) for name in SECRETS],
    when("StringNotEquals", "kms:EncryptionContext:SecretARN", secret_arn()),
    when("StringLike", "kms:EncryptionContext:SecretARN", "*db-??????"),
    when("ForAllValues:StringEquals", "kms:EncryptionContextKeys", ["SecretARN"]),
    when("StringEquals", "aws:PrincipalTag/secret", "${kms:EncryptionContext:SecretARN}"),
    when("StringEquals", "kms:CallerAccount", HOME),
    when("StringEquals", "kms:CallerAccount", AWAY),
    {"StringEquals": {"kms:CallerAccount": HOME, "kms:EncryptionContext:SecretARN": secret_arn(OTHER_NAME)}},
    when("Null", "kms:EncryptionContext:SecretVersionId", "true"),
    VIA,
]
effects = st.sampled_from([allow, deny])
looks = st.sampled_from(LOOKS)


@st.composite
def statements(draw: st.DrawFn, principal: str | None) -> list[Statement]:
    """Statements about Decrypt that look at the secret, or do not."""
    whom = {} if principal is None else {"principal": principal}
    return [
        draw(effects)(DECRYPT, sid=f"S{number}", condition=draw(looks), **whom)
        for number in range(draw(st.integers(0, 3)))
    ]


@given(
    identity=statements(None),
    key=statements(ROLE),
    delegates=st.booleans(),
    boundary=st.none() | statements(None),
    granted=st.none() | st.sampled_from(SECRETS),
    order=st.permutations(SECRETS * 2),
)
def test_what_kms_answers_for_one_secret_is_never_taken_for_another(
    identity: list[Statement],
    key: list[Statement],
    *,
    delegates: bool,
    boundary: list[Statement] | None,
    granted: str | None,
    order: list[str],
) -> None:
    made = world()
    made.role(ROLE, allow(), *identity, tags={"secret": secret_arn(OTHER_NAME)})
    if boundary is not None:
        made.bound(allow("secretsmanager:*"), *boundary)
    for name in SECRETS:
        made.secret(name)
    made.key(KEY, *(DELEGATES["Statement"] if delegates else []), *key, policy=document(*key))
    if delegates:
        made.key(KEY, *DELEGATES["Statement"], *key)
    if granted:
        made.grant(subset={"SecretARN": secret_arn(granted)})
    estate = made.estate()
    caller = estate.caller(ROLE)
    remembering = Reader(caller)
    for name in order:
        secret = estate.secret(name)
        assert secret is not None
        assert remembering.read(secret) == Reader(caller).read(secret)
