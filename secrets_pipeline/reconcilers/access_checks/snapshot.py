"""Take the snapshot that access checks look at: secrets, keys and principals, as AWS shows them at one moment.

What the run itself has written is in it as AWS acknowledged it; what somebody else writes over that before the run ends
is seen by events and by the verification.
"""

from __future__ import annotations

from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.access.snapshot.collect import take_snapshot
from secrets_pipeline.arn import account_of
from secrets_pipeline.reconcilers.secret.own_writes import own_writes
from secrets_pipeline.reconcilers.stack import Stack


def estate_of(stack: Stack) -> CompiledSnapshot:
    """Take the snapshot of who could read the stack's secrets, when it is first asked for.

    Raises:
        AwsError: if AWS does not answer.
    """
    return stack.observed.estate.get(lambda: _taken(stack))


def _taken(stack: Stack) -> CompiledSnapshot:
    own = stack.account.account_id
    readers = {account_of(arn) for consumer in stack.spec.consumers for arn in consumer.principals.values()}
    settings = stack.run.settings.access
    snapshot = take_snapshot(
        stack.account,
        settings=settings,
        sessions=stack.observed.sessions,
        accounts=sorted(readers - {own, ""}),
        secret_names=[secret.name for secret in stack.spec.secrets],
        own=own_writes(stack),
        now=stack.run.now(),
    )
    return CompiledSnapshot(snapshot, organization_policies=settings.organization_policies)
