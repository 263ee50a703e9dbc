"""Tell which stacks the IAM of an account has a say in."""

from __future__ import annotations

from collections.abc import Mapping

from secrets_pipeline.arn import account_of
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.stack import StackSpec


def home_of(spec: StackSpec, sessions: Sessions) -> str:
    """Name the account of a stack; AWS is asked where the operator does not say it."""
    return spec.target.account_id or sessions.for_target(spec.target).account_id


def stacks_judged_with(account_id: str, specs: Mapping[str, StackSpec], sessions: Sessions) -> list[str]:
    """List the stacks whose readers the IAM of an account decides: its own, and those that it has readers of, sorted.

    Raises:
        AwsError: if AWS cannot be asked whose an account is.
    """
    return sorted(
        spec.stack
        for spec in specs.values()
        if account_id in reader_accounts(spec) or home_of(spec, sessions) == account_id
    )


def reader_accounts(spec: StackSpec) -> frozenset[str]:
    """List the accounts of a stack's declared readers, whose IAM decides with the stack's own."""
    return frozenset(account_of(arn) for consumer in spec.consumers for arn in consumer.readers)
