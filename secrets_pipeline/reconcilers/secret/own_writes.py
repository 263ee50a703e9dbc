"""Say what a run knows of secrets from its own writes, so that its audit need not read it back.

A write without AWS's acknowledgement leaves a policy unread and the mark unfinished, so it is read. So is everything in
a run that verifies (`reads_back`) or looks closely at all (`deep`), and what the run has not written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.access.snapshot.keys import DEFAULT_ALIAS
from secrets_pipeline.access.snapshot.model import PolicyDocument, PrincipalSnapshot, SecretSnapshot
from secrets_pipeline.access.snapshot.secret_metadata import OwnWrites, parsed_policy
from secrets_pipeline.reconcilers.observed.secret_state import SecretState, Unread

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def own_writes(stack: Stack) -> OwnWrites:
    """Collect the secrets that this run made and finished, and the policies that it wrote on others.

    A secret with a rotation is read: AWS tries the rotation by a version of its own.
    Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html (RotateImmediately)
    """
    observed, options = stack.observed.secrets, stack.run.options
    secrets: dict[str, SecretSnapshot] = {}
    policies: dict[str, str | None] = {}
    for name in () if options.deep or options.reads_back else sorted(observed.made | observed.own_policies):
        state = observed.get(name)
        if state is None or isinstance(state.policy, Unread):
            continue
        if name in observed.made and not state.rotation_enabled and _finished(stack, state):
            secrets[name] = _made(state, state.policy)
        elif name in observed.own_policies:
            policies[name] = state.policy
    return OwnWrites(secrets, policies, *_roles(stack))


def _roles(stack: Stack) -> tuple[tuple[PrincipalSnapshot, ...], Mapping[str, Mapping[str, PolicyDocument]]]:
    """The roles that this run made, and the inline policies that it wrote: IAM's lists may be older."""
    roles = stack.observed.roles
    made = (
        PrincipalSnapshot(arn=one.arn, kind="role", boundary=one.boundary, tags=one.tags, trust=one.trust)
        for one in roles.made.values()
    )
    return tuple(made), {name: dict(policies) for name, policies in roles.written.items()}


def _finished(stack: Stack, state: SecretState) -> bool:
    """Whether the mark is this run's and vouches for every part: it has looked at the secret before it wrote that."""
    mark = stack.ownership.marks.verify(state)
    return mark.commit is not None and mark.run == stack.run.id and all(mark.commit.digests.values())


def _made(state: SecretState, policy: str | None) -> SecretSnapshot:
    """A secret without rotation, whose only value was encrypted under the key that CreateSecret was given."""
    return SecretSnapshot(
        arn=state.arn,
        name=state.name,
        kms_key_id=state.kms_key_id,
        keys=(state.kms_key_id or DEFAULT_ALIAS,),
        policy=parsed_policy(policy, state.arn),
        tags=state.tags,
        created_at=state.created_at,
        changed_at=state.last_changed_at or state.created_at,
        primary_region=state.primary_region,
    )
