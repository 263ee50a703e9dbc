"""Compare the caller's account, which STS GetCallerIdentity names, with the one that a stack belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.base import Target
from secrets_pipeline.errors import GuardError


@dataclass(frozen=True, slots=True)
class Verified:
    """The caller's account is the expected one."""

    account_id: str


@dataclass(frozen=True, slots=True)
class Unverified:
    """Nobody said which account is expected."""

    account_id: str
    reason: str


AccountCheck: TypeAlias = Verified | Unverified


def check_account(account: AwsAccount, target: Target, *, stack: str) -> AccountCheck:
    """Compare the caller's account (STS GetCallerIdentity) with the one that the stack belongs to.

    Raises:
        GuardError: if they differ.
        AwsError: if STS cannot tell the caller's account.
    """
    actual = account.account_id
    if target.account_id is None:
        return Unverified(
            actual,
            f"stack {stack} names no account, so {actual} was taken as it is; an apply asks for it in the operator's "
            "settings",
        )
    if actual != target.account_id:
        raise GuardError(
            f"stack {stack} belongs to account {target.account_id}, but the credentials belong to {actual}",
            remedy="Use that account's credentials, or give the stack a role to assume in the operator's settings.",
        )
    return Verified(actual)
