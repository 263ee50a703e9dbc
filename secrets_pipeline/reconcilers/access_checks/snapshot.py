"""Take the snapshot that access checks look at: secrets, keys and principals, as AWS shows them at one moment.

What the run itself has written is in it as AWS acknowledged it; what somebody else writes over that before the run ends
is seen by events and by the verification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.access.snapshot.collect import take_snapshot
from secrets_pipeline.access.snapshot.iam import read_account
from secrets_pipeline.access.snapshot.model import AccountSnapshot, KeySnapshot, SecretSnapshot, Snapshot
from secrets_pipeline.access.snapshot.own_roles import NOTHING_WRITTEN, OwnRoles
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.reconcilers.observed.cached import Cached
from secrets_pipeline.reconcilers.observed.observed import Principals
from secrets_pipeline.reconcilers.secret.audited import audited_secrets, own_roles
from secrets_pipeline.reconcilers.stack import Stack


def estate_of(stack: Stack) -> CompiledSnapshot:
    """Take the snapshot of who could read the stack's secrets, when it is first asked for.

    Raises:
        AwsError: if AWS does not answer.
    """
    return stack.observed.estate.get(lambda: _taken(stack))


def foresee_estate(stack: Stack) -> CompiledSnapshot:
    """Take the same with the secrets that do not exist yet, as an apply makes them: under a key with KMS's own policy.

    What a stack declares of their policies is not in it. Whoever asks for the stack's snapshot later gets this one.

    Raises:
        AwsError: if AWS does not answer.
    """
    return stack.observed.estate.get(lambda: _foreseen(stack))


def _foreseen(stack: Stack) -> CompiledSnapshot:
    names = [secret.name for secret in stack.spec.secrets]
    # Before an apply most secrets do not exist: those that no list shows are not asked for.
    listed = [name for name in names if stack.observed.secrets.get(name) is not None]
    known = _snapshot(stack, audited_secrets(stack, listed))
    there = {one.name for one in known.secrets}
    root = {
        "Effect": "Allow",
        "Principal": {"AWS": stack.account.arn("iam", "root")},
        "Action": "kms:*",
        "Resource": "*",
    }
    key = KeySnapshot(arn=stack.account.arn("kms", "key/to-be-made"), policy={"Statement": [root]})
    made = [
        SecretSnapshot(arn=stack.account.arn("secretsmanager", f"secret:{name}-AbCdEf"), name=name, keys=(key.arn,))
        for name in names
        if name not in there
    ]
    keys = {**known.keys, key.arn: key}
    return _compiled(known.model_copy(update={"secrets": (*known.secrets, *made), "keys": keys}), stack)


def share_estates(stacks: Iterable[Stack]) -> None:
    """Take one snapshot for all stacks that look as one role at the same accounts; a role reads the IAM of each once.

    Each stack sees of it what a snapshot of its own would hold.

    Raises:
        AwsError: if AWS does not answer.
    """
    places: dict[tuple[str, str, str | None, frozenset[str]], list[Stack]] = {}
    for stack in stacks:
        account_id, role = stack.account.account_id, stack.spec.target.role_arn
        place = (account_id, stack.account.region, role, stack.spec.reader_accounts - {account_id})
        places.setdefault(place, []).append(stack)
    principals: Principals = Cached()
    for (account_id, _, role, _), together in places.items():
        by_name = {one.name: one for stack in together for one in audited_secrets(stack, _names(stack))}
        secrets = tuple(by_name.values())
        named = {one.account_id: one.role_arn for one in together[0].run.settings.access.accounts}
        whole = _snapshot(together[0], secrets, partial(_read_once, principals, {**named, account_id: role}))
        for stack in together:
            stack.observed.estate.get(partial(_part, whole, stack))


def _read_once(
    principals: Principals, roles: Mapping[str, str | None], account: AwsAccount, account_id: str
) -> AccountSnapshot:
    """The IAM of an account as a role reads it: another one may be refused what this one sees."""
    return principals.get((account_id, roles[account_id]), lambda: read_account(account, account_id))


def _part(whole: Snapshot, stack: Stack) -> CompiledSnapshot:
    names = _names(stack)
    secrets = tuple(secret for secret in whole.secrets if secret.name in names)
    used = {arn for secret in secrets for arn in secret.keys}
    keys = {arn: key for arn, key in whole.keys.items() if arn in used}
    return _compiled(whole.model_copy(update={"secrets": secrets, "keys": keys}), stack)


def _taken(stack: Stack) -> CompiledSnapshot:
    return _compiled(_snapshot(stack, audited_secrets(stack, _names(stack)), own=own_roles(stack)), stack)


def _names(stack: Stack) -> frozenset[str]:
    return frozenset(secret.name for secret in stack.spec.secrets)


def _compiled(snapshot: Snapshot, stack: Stack) -> CompiledSnapshot:
    return CompiledSnapshot(snapshot, organization_policies=stack.run.settings.access.organization_policies)


def _snapshot(
    stack: Stack,
    secrets: Sequence[SecretSnapshot],
    read: Callable[[AwsAccount, str], AccountSnapshot] = read_account,
    *,
    own: OwnRoles = NOTHING_WRITTEN,
) -> Snapshot:
    return take_snapshot(
        stack.account,
        settings=stack.run.settings.access,
        sessions=stack.observed.sessions,
        accounts=stack.spec.reader_accounts,
        secrets=secrets,
        own=own,
        now=stack.run.now(),
        read=read,
    )
