"""Take the snapshot that access checks look at: secrets, keys and principals, as AWS shows them at one moment.

What the run itself has written is in it as AWS acknowledged it; what somebody else writes over that before the run ends
is seen by events and by the verification.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial

from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.access.snapshot.collect import take_snapshot
from secrets_pipeline.access.snapshot.iam import read_account
from secrets_pipeline.access.snapshot.model import AccountSnapshot, Snapshot
from secrets_pipeline.access.snapshot.secret_metadata import NOTHING_WRITTEN, OwnWrites
from secrets_pipeline.arn import account_of
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.reconcilers.observed.cached import Cached
from secrets_pipeline.reconcilers.secret.own_writes import own_writes
from secrets_pipeline.reconcilers.stack import Stack


def estate_of(stack: Stack) -> CompiledSnapshot:
    """Take the snapshot of who could read the stack's secrets, when it is first asked for.

    Raises:
        AwsError: if AWS does not answer.
    """
    return stack.observed.estate.get(lambda: _taken(stack))


def share_estates(stacks: Iterable[Stack]) -> None:
    """Take one snapshot of each account and region for all of these stacks, and read the IAM of each account once.

    Each stack sees of it what a snapshot of its own would hold.

    Raises:
        AwsError: if AWS does not answer.
    """
    places: dict[tuple[str, str, str | None], list[Stack]] = {}
    for stack in stacks:
        place = (stack.account.account_id, stack.account.region, stack.spec.target.role_arn)
        places.setdefault(place, []).append(stack)
    principals: Cached[str, AccountSnapshot] = Cached()

    def read(account: AwsAccount, account_id: str) -> AccountSnapshot:
        return principals.get(account_id, lambda: read_account(account, account_id))

    for together in places.values():
        whole = _snapshot(
            together[0],
            {one for stack in together for one in _reader_accounts(stack)},
            [secret.name for stack in together for secret in stack.spec.secrets],
            read,
        )
        for stack in together:
            stack.observed.estate.get(partial(_part, whole, stack))


def _part(whole: Snapshot, stack: Stack) -> CompiledSnapshot:
    accounts = {stack.account.account_id, *_reader_accounts(stack)}
    names = {secret.name for secret in stack.spec.secrets}
    own = whole.model_copy(
        update={
            "accounts": {one: found for one, found in whole.accounts.items() if one in accounts},
            "secrets": tuple(secret for secret in whole.secrets if secret.name in names),
        }
    )
    return _compiled(own, stack)


def _taken(stack: Stack) -> CompiledSnapshot:
    names = [secret.name for secret in stack.spec.secrets]
    return _compiled(_snapshot(stack, _reader_accounts(stack), names, own=own_writes(stack)), stack)


def _compiled(snapshot: Snapshot, stack: Stack) -> CompiledSnapshot:
    return CompiledSnapshot(snapshot, organization_policies=stack.run.settings.access.organization_policies)


def _reader_accounts(stack: Stack) -> set[str]:
    readers = {account_of(arn) for consumer in stack.spec.consumers for arn in consumer.principals.values()}
    return readers - {stack.account.account_id, ""}


def _snapshot(
    stack: Stack,
    accounts: Collection[str],
    names: Collection[str],
    read: Callable[[AwsAccount, str], AccountSnapshot] = read_account,
    *,
    own: OwnWrites = NOTHING_WRITTEN,
) -> Snapshot:
    return take_snapshot(
        stack.account,
        settings=stack.run.settings.access,
        sessions=stack.observed.sessions,
        accounts=sorted(accounts),
        secret_names=names,
        own=own,
        now=stack.run.now(),
        read=read,
    )
