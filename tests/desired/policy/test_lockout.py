"""Whose the policy of a secret is to repair: the role that the operator's settings name, before any AWS call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.policy.lockout import SECRET_RECOVERY, Caller, locks_out
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule
from tests.grants import TRUSTED

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

ACCOUNT = "111122223333"
SECRET = """
vars: {context_name: acme, environment: dev, region: eu-west-2}
components:
  terraform:
    secretsmanager:
      vars:
        secrets:
          key:
            secret_data: plain-9
            policy:
              - Sid: Closed
                Effect: Deny
                Principal: "*"
                Action: "secretsmanager:*"
                Resource: "*"
                Condition: {ArnNotEquals: {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/%s"}}
"""


def test_the_operators_role_is_not_locked_out_by_yaml(bench: Bench) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/ci/secrets"
    bench.settings = OperatorSettings(
        grants=TRUSTED, targets=(TargetRule(stacks="*", account_id=ACCOUNT, role_arn=role),)
    )
    said = bench.only_error(SECRET % "orders")
    assert "statement Closed of policy denies the pipeline's role what would repair it" in said
    assert bench.spec(SECRET % "ci/secrets").secrets[0].policy


@pytest.mark.parametrize(
    ("caller", "excepted", "locked"),
    [
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/secrets/session", f"arn:aws:iam::{ACCOUNT}:role/ci/secrets", False),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/secrets/session", f"arn:aws:iam::{ACCOUNT}:role/ci/secrets-2", True),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/secrets/session", "arn:aws:iam::444455556666:role/secrets", True),
        (f"arn:aws:iam::{ACCOUNT}:user/ops/jo", f"arn:aws:iam::{ACCOUNT}:user/ops/jo", False),
        (f"arn:aws:iam::{ACCOUNT}:user/ops/jo", f"arn:aws:iam::{ACCOUNT}:root", True),
        (f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:root", False),
    ],
)
def test_the_caller_is_found_by_what_sts_says_of_it(caller: str, excepted: str, locked: bool) -> None:
    condition = {"ArnNotEquals": {"aws:PrincipalArn": excepted}}
    statement = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": condition}
    assert locks_out(statement, Caller.of(caller), SECRET_RECOVERY) is locked
