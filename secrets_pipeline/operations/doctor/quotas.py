"""Compare what stacks need with quotas: of secrets as AWS documents it, of Lambda as the account has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.operations.doctor.model import Answer, Verdict, answered, fine

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import AwsAccount
    from secrets_pipeline.reconcilers.stack import Stack

NEW_ACCOUNT = 10
"""Invocations at once that AWS allows many a new account, instead of 1,000.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
_MORE = "Ask AWS for more in Service Quotas: Lambda, Concurrent executions."
_RESERVED = "Reduce another function's reserved concurrency (put-function-concurrency, delete-function-concurrency)."
SECRETS = 500_000
"""Secrets of an account and region: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html."""


def quotas(stacks: Sequence[Stack]) -> Iterator[Answer]:
    """Judge the number of secrets after an apply (ListSecrets), and Lambda's concurrency (GetAccountSettings).

    Args:
        stacks: of one account and region.
    """
    there = {one.name for one in stacks[0].observed.secrets.in_region()}
    yield of_secrets(len(there | {secret.name for stack in stacks for secret in stack.spec.secrets}), len(there))
    rotating = sum(secret.rotation is not None for stack in stacks for secret in stack.spec.secrets)
    if rotating:
        yield from answered("concurrency", partial(_concurrency, stacks[0].account, rotating))


def _concurrency(account: AwsAccount, rotating: int) -> Iterator[Answer]:
    with calling("GetAccountSettings", f"in {account.region}"):
        limit = account.client("lambda").get_account_settings()["AccountLimit"]
    yield of_concurrency(rotating, limit["UnreservedConcurrentExecutions"], limit["ConcurrentExecutions"])


def of_concurrency(rotating: int, free: int, most: int) -> Answer:
    """Judge how many invocations Lambda runs at once. Pure.

    Args:
        rotating: secrets that rotate by functions.
        free: what no function reserves.
        most: of the account and region.
    """
    said = f"{free:,} of the account's {most:,} concurrent Lambda executions are unreserved"
    if free == 0:
        return Answer("concurrency", Verdict.WILL_FAIL, f"{said}, so no rotation begins", _RESERVED if most else _MORE)
    if free <= NEW_ACCOUNT or free < rotating:
        secrets = "1 secret rotates" if rotating == 1 else f"{rotating:,} secrets rotate"
        text = f"{said}, and {secrets} by functions: AWS may throttle rotations, and tries them again"
        return Answer("concurrency", Verdict.ADVISED, text, _MORE)
    return fine("concurrency", said)


def of_secrets(wanted: int, there: int, most: int = SECRETS) -> Answer:
    """Judge a number of secrets. Pure.

    Args:
        wanted: after an apply.
        there: now.
        most: what AWS documents.
    """
    said = f"{there:,} of {most:,} (as documented), {wanted - there:,} to be made"
    if wanted > most:
        remedy = "Ask AWS for more, or move stacks to another account or region."
        return Answer("secrets", Verdict.WILL_FAIL, said, remedy)
    return fine("secrets", said)
