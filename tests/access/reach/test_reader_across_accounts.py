"""A reader in another account needs all three: the secret's policy, the key's, and its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from secrets_pipeline.access.evaluator import Layer
from secrets_pipeline.access.reach.reader import Allowed, DeniedByKms, DeniedBySecretsManager, Unknown
from secrets_pipeline.access.snapshot.model import NamedPolicy
from tests.access.builders import (
    AWAY,
    DECRYPT,
    DEFAULT,
    FOREIGN,
    FULL,
    HOME,
    NAME,
    ROLE,
    VIA,
    Decided,
    Statement,
    World,
    allow,
    decided,
    deny,
    document,
    foreign_world,
    reason,
)

BY_SM, BY_KMS, READABLE, NOT_KNOWN = (kind.__name__ for kind in (DeniedBySecretsManager, DeniedByKms, Allowed, Unknown))
OWN = "inline policy own"


def named(name: str, *statements: Statement) -> NamedPolicy:
    return NamedPolicy(name=name, document=document(*statements))


def test_the_default_key_serves_its_account_and_nobody_else() -> None:
    made = foreign_world()
    # As KMS has it: everybody of the account, through Secrets Manager.
    condition = {"StringEquals": {"kms:CallerAccount": HOME, **VIA["StringEquals"]}}
    made.key(DEFAULT, allow(DECRYPT, sid="Account", principal="*", condition=condition), aws_managed=True)
    policy = made.secrets[NAME].policy
    made.secret(NAME, keys=(DEFAULT,), policy=policy)
    made.role(ROLE, allow(sid="Read"))
    inside, across = made.read(ROLE), made.read(FOREIGN)
    assert isinstance(inside, Allowed)
    assert decided(across) == (BY_KMS, Layer.KEY_POLICY, "aws/secretsmanager", "")
    assert reason(across) == "the default key aws/secretsmanager never serves another account"


def test_the_default_key_never_serves_another_account_even_if_its_policy_could_not_be_read() -> None:
    made = foreign_world()
    made.key(DEFAULT, policy=None, state="", aws_managed=True, unread="KMS refused DescribeKey")
    made.secret(NAME, keys=(DEFAULT,), policy=made.secrets[NAME].policy)
    assert isinstance(made.read(FOREIGN), DeniedByKms)


def test_a_foreign_reader_with_all_three_can_read() -> None:
    assert foreign_world().decided(FOREIGN) == (READABLE, Layer.SECRET_POLICY, "secret policy", "Readers")


def no_secret_policy(made: World) -> None:
    made.secret()


def secret_policy_for_somebody_else(made: World) -> None:
    made.secret_policy(allow(principal=f"arn:aws:iam::{AWAY}:role/other"))


def no_key_statement(made: World) -> None:
    made.key()


def no_foreign_identity(made: World) -> None:
    made.role(FOREIGN)


def no_foreign_decrypt(made: World) -> None:
    made.role(FOREIGN, allow(sid="Read"))


def foreign_scp_denies(made: World) -> None:
    made.scps[AWAY] = ((FULL, named("stay", deny("secretsmanager:*", sid="Stay"))), (FULL,))


MISSING: list[tuple[Callable[[World], None], Decided]] = [
    (no_secret_policy, (BY_SM, Layer.SECRET_POLICY, "", "")),
    (secret_policy_for_somebody_else, (BY_SM, Layer.SECRET_POLICY, "", "")),
    (no_key_statement, (BY_KMS, Layer.KEY_POLICY, "", "")),
    (no_foreign_identity, (BY_SM, Layer.IDENTITY, "", "")),
    (no_foreign_decrypt, (BY_KMS, Layer.IDENTITY, "", "")),
    (foreign_scp_denies, (BY_SM, Layer.SCP, "stay", "Stay")),
]


@pytest.mark.parametrize(("change", "expected"), MISSING, ids=[change.__name__ for change, _ in MISSING])
def test_a_foreign_reader_lacks_what_is_named(change: Callable[[World], None], expected: Decided) -> None:
    made = foreign_world()
    change(made)
    assert made.decided(FOREIGN) == expected


def test_a_foreign_reader_whose_own_policies_nobody_could_read_is_unknown_and_says_so() -> None:
    made = foreign_world()
    made.unread[AWAY] = f"account {AWAY}: AccessDenied"
    verdict = made.read(FOREIGN)
    assert isinstance(verdict, Unknown)
    limits, own = (f"{layer}: account {AWAY}: AccessDenied" for layer in (Layer.BOUNDARY, Layer.IDENTITY))
    assert verdict.reason == f"{limits}; {own}"


def test_a_foreign_reader_that_the_secret_does_not_let_in_is_denied_even_if_nobody_could_read_its_account() -> None:
    made = foreign_world()
    made.unread[AWAY] = "refused"
    made.secret()
    assert made.decided(FOREIGN) == (BY_SM, Layer.SECRET_POLICY, "", "")
