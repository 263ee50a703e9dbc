"""Name secrets, and the keys that open them, as policies for their readers do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from secrets_pipeline.access.granting.identity import Readable
from secrets_pipeline.access.granting.names import key_arn, secret_arn_pattern
from secrets_pipeline.access.granting.stack import StackInAws
from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.reconcilers.needed import secret_named
from secrets_pipeline.reconcilers.observed.secret_state import DEFAULT_KEY_ALIAS, SecretState
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret
from secrets_pipeline.reconcilers.secret.ownership import claimed
from secrets_pipeline.reconcilers.secret_value.inputs import not_there
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def secret_arn(stack: Stack, secret: SecretSpec) -> str:
    """Build the ARN of a secret without its last six characters, as an IAM policy says it."""
    account = stack.account
    return secret_arn_pattern(
        secret.name, partition=account.partition, region=account.region, account_id=account.account_id
    )


def readable(stack: Stack, secret: SecretSpec) -> Readable | Pending:
    """Name a secret that readers may be let read, or why not yet: whoever writes YAML must not open other people's."""
    if secret.blocked:
        return Pending(f"secret {secret.name}: {'; '.join(secret.problems)}", on=secret_named(secret.name))
    state = stack.observed.secrets.get(secret.name)
    if state is None:
        return not_there(stack, secret, secret_named(secret.name))
    if state.deleted_at is not None:
        return Pending(f"secret {secret.name} is scheduled for deletion", on=secret_named(secret.name))
    if not stack.ownership.owns(state):
        return Pending(f"secret {secret.name} is not ours", on=secret_named(secret.name))
    keys = _keys(stack, secret, state)
    return keys if isinstance(keys, Pending) else Readable(secret_arn(stack, secret), keys)


def there_soon(stack: Stack, secrets: Iterable[SecretSpec]) -> Iterator[bool]:
    """Tell of each secret that readers may not be let read yet whether they may when the run has made what it makes.

    That is one that it creates, restores or takes over, or whose key it makes.
    """
    for secret in secrets:
        if isinstance(readable(stack, secret), Pending):
            state = stack.observed.secrets.get(secret.name)
            yield not secret.blocked and claimed(stack, state, secret)[0] is not ChangeClass.BLOCKED


def stack_in_aws(stack: Stack) -> StackInAws:
    """Gather what AWS knows of the stack: its own secrets that exist, and the keys that open them."""
    account = stack.account
    arns: dict[SecretRef, str] = {}
    keys: dict[SecretRef, tuple[str, ...]] = {}
    for secret in stack.spec.secrets:
        state = stack.observed.secrets.get(secret.name)
        found = readable(stack, secret)
        if state is not None and isinstance(found, Readable):
            arns[secret.ref] = state.arn
            keys[secret.ref] = found.keys
    return StackInAws(stack.spec, arns, keys, account.partition, account.account_id, account.region)


def withheld(stack: Stack, refs: Iterable[SecretRef]) -> tuple[str, ...]:
    """Say why secrets that exist are not opened to readers, for example since they are somebody else's."""
    there = [one for ref in refs if stack.observed.secrets.get((one := stack.spec.secret(ref)).name) is not None]
    found = [readable(stack, one) for one in there]
    return tuple(one.reason for one in found if isinstance(one, Pending))


def _keys(stack: Stack, secret: SecretSpec, state: SecretState) -> tuple[str, ...] | Pending:
    """The key that is declared, and the one that the value is under while the secret has not moved."""
    declared = DesiredSecret(stack, secret).kms_key
    if isinstance(declared, Pending):
        return declared
    names = [one for one in (declared, state.kms_key_id) if one and not one.endswith(DEFAULT_KEY_ALIAS)]
    return tuple(dict.fromkeys(_arn(stack, name) for name in names))


def _arn(stack: Stack, name: str) -> str:
    about, account = stack.observed.keys.about(name), stack.account
    # A key that we may not look at is known by its name alone.
    named = about.arn if about is not None else name
    return key_arn(named, partition=account.partition, region=account.region, account_id=account.account_id)
