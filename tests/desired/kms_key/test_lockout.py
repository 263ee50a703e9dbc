from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.policy.lockout import KEY_RECOVERY, Caller, locks_out
from secrets_pipeline.references.model import Output

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

ACCOUNT = "111122223333"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/admin"


def deny(**more: object) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*", **more}


@pytest.mark.parametrize(
    "statement",
    [
        deny(),
        deny(Principal={"AWS": "*"}),
        deny(Principal={"AWS": [ADMIN, ROOT]}),
        deny(Principal={"AWS": ACCOUNT}),
        deny(Action="*"),
        deny(Action=["kms:Decrypt", "kms:Put*"]),
        deny(Action="KMS:putkeypolicy"),
        deny(Action="kms:GetKeyPolicy"),
        {"Effect": "Deny", "Principal": "*", "NotAction": "kms:Put*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "NotAction": "kms:Get*", "Resource": "*"},
        {**deny(), "NotAction": "kms:Decrypt", "Action": None},
        {"Effect": "Deny", "NotPrincipal": {"AWS": ADMIN}, "Action": "kms:*", "Resource": "*"},
        deny(Condition={"StringNotEquals": {"aws:PrincipalArn": ADMIN}}),
        deny(Condition={"ArnNotLike": {"aws:PrincipalArn": [ADMIN, f"arn:aws:iam::{ACCOUNT}:role/ci-*"]}}),
        deny(Condition={"StringEquals": {"kms:CallerAccount": ACCOUNT}}),
        deny(Condition={"StringEquals": {"aws:PrincipalType": "Account"}}),
        deny(Condition={"stringlikeifexists": {"aws:PrincipalAccount": "*"}}),
        deny(Condition={"FORANYVALUE:stringequals": {"aws:PrincipalAccount": ACCOUNT}}),
        deny(Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}),
        deny(
            Condition={
                "StringNotEquals": {"aws:PrincipalArn": ADMIN},
                "StringEquals": {"aws:PrincipalAccount": [ACCOUNT]},
            }
        ),
    ],
)
def test_a_deny_that_root_cannot_get_around_locks_it_out(statement: dict[str, Any]) -> None:
    assert locks_out(
        {key: value for key, value in statement.items() if value is not None}, Caller(ACCOUNT), KEY_RECOVERY
    )


@pytest.mark.parametrize(
    "statement",
    [
        deny(Effect="Allow"),
        deny(Principal={"AWS": ADMIN}),
        deny(Principal={"AWS": "arn:aws:iam::444455556666:root"}),
        deny(Principal={"Service": "s3.amazonaws.com"}),
        deny(Principal={"AWS": Output("kms", ("key_arn",))}),
        deny(Action=["kms:Decrypt", "kms:ScheduleKeyDeletion"]),
        {"Effect": "Deny", "Principal": "*", "NotAction": ["kms:Put*", "kms:Get*"], "Resource": "*"},
        {"Effect": "Deny", "NotPrincipal": {"AWS": [ROOT, ADMIN]}, "Action": "kms:*", "Resource": "*"},
        deny(Condition={"Bool": {"aws:SecureTransport": "false"}}),
        deny(Condition={"StringNotEquals": {"aws:PrincipalArn": [ROOT, ADMIN]}}),
        deny(Condition={"StringNotEquals": {"kms:CallerAccount": ACCOUNT}}),
        deny(Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}),
        deny(Condition={"StringNotEquals": {"aws:PrincipalArn": ADMIN}, "StringEquals": {"aws:SourceVpce": "vpce-1"}}),
    ],
)
def test_a_statement_that_leaves_root_a_way_in_does_not(statement: dict[str, Any]) -> None:
    assert not locks_out(statement, Caller(ACCOUNT), KEY_RECOVERY)


def test_without_a_known_account_any_root_may_be_its_own() -> None:
    assert locks_out(deny(Principal={"AWS": ROOT}), Caller(None), KEY_RECOVERY)


def test_a_key_that_locks_its_account_out_is_an_input_error(bench: Bench) -> None:
    condition = f"{{ArnNotEquals: {{'aws:PrincipalArn': '{ADMIN}'}}}}"
    policy = f"[{{Sid: Mine, Effect: Deny, Principal: '*', Action: 'kms:*', Resource: '*', Condition: {condition}}}]"
    key = f"settings: {{secrets_pipeline: {{create: true}}}}, vars: {{alias: x, policy: {policy}}}"
    text = f"components: {{terraform: {{kms/app: {{{key}}}}}}}"
    found = bench.only_error(text)
    assert "statement Mine denies the account's root access to its own key" in found
    assert "stack dev, component kms/app, key vars.policy" in found
