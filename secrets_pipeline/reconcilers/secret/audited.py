"""Read a stack's secrets as the access checks judge them: each by calls of its own, as a list may be five minutes old.

A run that only looks reads the policy and the versions of a secret once, whichever of its checks asks first. A run that
writes reads them again when it audits, except what it wrote itself and AWS acknowledged. A write without that
acknowledgement leaves a policy unread and the mark unfinished, so it is read. So is everything in a run that verifies
(`reads_back`) or looks closely at all (`deep`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.access.snapshot.calls import UnreadParts, at_once
from secrets_pipeline.access.snapshot.keys import DEFAULT_ALIAS
from secrets_pipeline.access.snapshot.model import PrincipalSnapshot, RotationSnapshot, SecretSnapshot
from secrets_pipeline.access.snapshot.own_roles import OwnRoles
from secrets_pipeline.access.snapshot.secret_metadata import opening_keys, parsed_policy
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.secret_state import SecretState, Unread

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.type_defs import SecretVersionsListEntryTypeDef

    from secrets_pipeline.access.snapshot.model import PolicyDocument
    from secrets_pipeline.reconcilers.stack import Stack


def audited_secrets(stack: Stack, names: Collection[str]) -> tuple[SecretSnapshot, ...]:
    """Read secrets by DescribeSecret, GetResourcePolicy and ListSecretVersionIds, sorted by name.

    Args:
        stack: the stack.
        names: of its secrets; those that do not exist, or are scheduled for deletion, are left out.

    Raises:
        AwsError: for anything but a refusal, which the secret's `unread` says.
        PolicyError: if AWS hands out a policy that is no JSON.
    """
    made, policies = _own_secrets(stack), _own_policies(stack)
    read = at_once(partial(_read, stack, policies), [name for name in names if name not in made])
    found = [*(secret for name, secret in made.items() if name in names), *filter(None, read)]
    return tuple(sorted(found, key=lambda secret: secret.name))


def own_roles(stack: Stack) -> OwnRoles:
    """Collect the roles that this run made, and the inline policies that it wrote: IAM's lists may be older."""
    roles = stack.observed.roles
    made = (
        PrincipalSnapshot(arn=one.arn, kind="role", boundary=one.boundary, tags=one.tags, trust=one.trust)
        for one in roles.made.values()
    )
    return OwnRoles(tuple(made), {name: dict(policies) for name, policies in roles.written.items()})


def _read(stack: Stack, policies: Mapping[str, str | None], name: str) -> SecretSnapshot | None:
    secrets, reading = stack.observed.secrets, UnreadParts()
    describe = secrets.refresh if stack.run.writes else secrets.confirm
    try:
        state = reading.attempt(lambda: describe(name))
        if state is None and reading.unread:
            state = secrets.get(name)
        if state is None or state.deleted_at is not None:
            return None
        policy = reading.attempt(partial(_policy, stack, policies, state))
        versions = reading.attempt(partial(_versions, stack, state)) or ()
    except AwsError as error:
        if error.missing:
            return None
        raise
    return _snapshot(state, policy, opening_keys(versions, state.kms_key_id), reading.unread)


def _policy(stack: Stack, own: Mapping[str, str | None], state: SecretState) -> PolicyDocument | None:
    secrets = stack.observed.secrets
    if state.name in own:
        return parsed_policy(own[state.name], state.arn)
    text = secrets.policy_now(state) if stack.run.writes else secrets.policy(state.name)
    return parsed_policy(text, state.arn)


def _versions(stack: Stack, state: SecretState) -> Sequence[SecretVersionsListEntryTypeDef]:
    secrets = stack.observed.secrets
    return secrets.versions_now(state) if stack.run.writes else secrets.versions(state)


def _own_secrets(stack: Stack) -> dict[str, SecretSnapshot]:
    """The secrets that this run made and finished, whose only value was encrypted under the key that CreateSecret got.

    A secret with a rotation is read: AWS tries the rotation by a version of its own.
    Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html (RotateImmediately)
    """
    return {
        state.name: _snapshot(state, parsed_policy(policy, state.arn), (state.kms_key_id or DEFAULT_ALIAS,))
        for state, policy in _acknowledged(stack, stack.observed.secrets.made)
        if not state.rotation_enabled and _finished(stack, state)
    }


def _own_policies(stack: Stack) -> dict[str, str | None]:
    """The policies that this run wrote on secrets, by name; None where it deleted the policy."""
    return {state.name: policy for state, policy in _acknowledged(stack, stack.observed.secrets.own_policies)}


def _acknowledged(stack: Stack, names: Collection[str]) -> list[tuple[SecretState, str | None]]:
    options = stack.run.options
    if options.deep or options.reads_back:
        return []
    known = (stack.observed.secrets.get(name) for name in sorted(names))
    return [(state, state.policy) for state in known if state is not None and not isinstance(state.policy, Unread)]


def _finished(stack: Stack, state: SecretState) -> bool:
    """Whether the mark is this run's and vouches for every part: it has looked at the secret before it wrote that."""
    mark = stack.ownership.marks.verify(state)
    return mark.commit is not None and mark.run == stack.run.id and all(mark.commit.digests.values())


def _snapshot(
    state: SecretState, policy: PolicyDocument | None, keys: tuple[str, ...], unread: str = ""
) -> SecretSnapshot:
    return SecretSnapshot(
        arn=state.arn,
        name=state.name,
        kms_key_id=state.kms_key_id,
        keys=keys,
        policy=policy,
        tags=state.tags,
        rotation=RotationSnapshot(
            enabled=state.rotation_enabled,
            lambda_arn=state.rotation_lambda_arn,
            external_role=state.external_rotation_role,
        ),
        primary_region=state.primary_region,
        unread=unread,
    )
