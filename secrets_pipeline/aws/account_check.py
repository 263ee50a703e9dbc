"""Compare the caller's account, which STS GetCallerIdentity names, with the one that a stack belongs to."""

from __future__ import annotations

from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.base import Target
from secrets_pipeline.errors import GuardError


def check_account(account: AwsAccount, target: Target, *, stack: str) -> str | None:
    """Compare the caller's account (STS GetCallerIdentity) with the one that the stack belongs to.

    Returns:
        Why it was taken as it is, where nobody said which account is expected; None where it is the expected one.

    Raises:
        GuardError: if they differ.
        AwsError: if STS cannot tell the caller's account.
    """
    actual = account.account_id
    if target.account_id is None:
        return (
            f"stack {stack} names no account, so {actual} was taken as it is; an apply asks for it in the operator's "
            "settings"
        )
    if actual != target.account_id:
        raise GuardError(
            f"stack {stack} belongs to account {target.account_id}, but the credentials belong to {actual}",
            remedy="Use that account's credentials, or give the stack a role to assume in the operator's settings.",
        )
    return None
