from __future__ import annotations

from typing import Any

import pytest

from secrets_pipeline.access.snapshot.model import AccountSnapshot, PrincipalSnapshot
from secrets_pipeline.access.trust.consumer import trusted
from secrets_pipeline.access.trust.verdict import NotTrusted, Trust, Trusted, TrustUnknown
from secrets_pipeline.desired.consumer.model import ConsumerSpec, PrincipalRole, ReaderType

ACCOUNT = "111122223333"
ROLES: dict[PrincipalRole, str] = {
    "execution_role": f"arn:aws:iam::{ACCOUNT}:role/exec",
    "task_role": f"arn:aws:iam::{ACCOUNT}:role/task",
}
CONSUMER = ConsumerSpec(component="s", name="orders", type=ReaderType.ECS, principals=ROLES, secrets=())
STATEMENT = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}


def role(arn: str, statement: dict[str, Any] | None) -> PrincipalSnapshot:
    trust = None if statement is None else {"Version": "2012-10-17", "Statement": statement}
    return PrincipalSnapshot(arn=arn, kind="role", trust=trust)


def ask(which: PrincipalRole, principal: PrincipalSnapshot | None, *, unread: str = "") -> Trust:
    return trusted(CONSUMER, which, principal, AccountSnapshot(account_id=ACCOUNT, unread=unread))


@pytest.mark.parametrize("which", ["execution_role", "task_role"])
def test_each_role_of_a_task_is_judged_by_itself(which: PrincipalRole) -> None:
    assert isinstance(ask(which, role(ROLES[which], STATEMENT)), Trusted)
    other = STATEMENT | {"Principal": {"Service": "ecs.amazonaws.com"}}
    assert isinstance(ask(which, role(ROLES[which], other)), NotTrusted)


def test_a_role_that_does_not_exist_is_not_trusted() -> None:
    assert ask("task_role", None) == NotTrusted(f"role {ROLES['task_role']} does not exist")


def test_a_role_of_an_account_that_was_not_read_is_unknown() -> None:
    assert ask("task_role", None, unread="AccessDenied") == TrustUnknown("AccessDenied")


def test_a_role_without_its_trust_policy_is_unknown() -> None:
    assert isinstance(ask("task_role", role(ROLES["task_role"], None)), TrustUnknown)


def test_a_trust_policy_that_is_none_is_unknown_and_says_why() -> None:
    found = ask("task_role", role(ROLES["task_role"], STATEMENT | {"Condition": {"StringMatches": {"a": "b"}}}))
    assert isinstance(found, TrustUnknown)
    assert "IAM has no condition operator StringMatches" in found.reason
