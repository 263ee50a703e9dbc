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
    assert "statement Closed of policy denies the pipeline's role the calls that repair the policy" in said
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


@pytest.mark.parametrize(
    ("operator", "pattern", "locked"),
    [
        # A path that is not known may be that of an exception, and is not for certain that of a Deny.
        ("ArnNotLike", "arn:aws:iam::*:role/ci/*", False),
        ("ArnLike", "arn:aws:iam::*:role/developers/*", False),
        ("ArnLike", "arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/*", False),
        ("ArnLike", "arn:aws:iam::*:role/*", True),
        ("ArnNotLike", "arn:aws-eusc:iam::*:role/secr*", False),
        ("ArnLike", "arn:aws-eusc:iam::*:role/*", True),
    ],
)
def test_who_is_denied_by_a_pattern_is_certain_and_who_is_excepted_may_be_meant(
    operator: str, pattern: str, locked: bool
) -> None:
    condition = {operator: {"aws:PrincipalArn": pattern}}
    statement = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": condition}
    caller = Caller.of(f"arn:aws:sts::{ACCOUNT}:assumed-role/secrets/session")
    assert locks_out(statement, caller, SECRET_RECOVERY) is locked


def test_who_is_only_known_later_may_be_excepted() -> None:
    caller = Caller.of(f"arn:aws:sts::{ACCOUNT}:assumed-role/secrets/session")
    everything = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    assert not locks_out({**everything, "NotPrincipal": {"AWS": [object()]}}, caller, SECRET_RECOVERY)
    condition = {"ArnNotEquals": {"aws:PrincipalArn": [object()]}}
    assert not locks_out({**everything, "Principal": "*", "Condition": condition}, caller, SECRET_RECOVERY)
