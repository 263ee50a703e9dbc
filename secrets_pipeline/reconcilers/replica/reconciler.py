"""Replicas of secrets in other regions: added, retried, put under another key, and removed.

Everything is called in the primary's region; value, tags, policy and rotation reach the replicas by themselves. The one
thing that a replica has of its own is its KMS key, so that alone is changed in the replica's region, and nothing has to
be deleted for it.
Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html and
https://docs.aws.amazon.com/secretsmanager/latest/userguide/standalone-secret.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.secret.model import ReplicaSpec, SecretSpec
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import OUTSIDE
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.each_secret import plan_secrets
from secrets_pipeline.reconcilers.marks.secret_mark import Part
from secrets_pipeline.reconcilers.observed.secret_state import (
    DEFAULT_KEY_ALIAS,
    ReplicaState,
    SecretState,
    Unread,
    replica_states,
)
from secrets_pipeline.reconcilers.observed.tags import tag_list
from secrets_pipeline.reconcilers.replica.plan import Work, described, known, made_regions, refuse_failed, work
from secrets_pipeline.reconcilers.secret import desired
from secrets_pipeline.reconcilers.secret.part_mark import look_again, take
from secrets_pipeline.reconcilers.tag_keys import REPLICAS

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "replica"
_UNREAD = "not read: `verify` and `plan --deep` do"
_SETTLE_SECONDS = 15.0
_POLL_SECONDS = 1.0


class ReplicaReconciler:
    """Replicas of one stack's secrets, one change a secret.

    Replicas of a secret whose mark is up to date are not read: the verification does that. With `deep`, all are.
    """

    def __init__(self, stack: Stack, *, deep: bool | None = None) -> None:
        self._stack = stack
        self._deep = stack.run.options.deep if deep is None else deep
        self._secrets = {secret.name: secret for secret in stack.spec.secrets}

    def plan(self) -> Sequence[Change]:
        """One change a secret that has, or should have, replicas."""
        return plan_secrets(self._stack, KIND, self._plan)

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        secret = self._secrets[change.resource.name]
        state = self._stack.observed.secrets.confirm_again(secret.name)
        if state is None or state.deleted_at is not None:
            raise SkippedError(f"secret {secret.name} does not exist yet")
        if not self._stack.ownership.owns(state):
            raise SkippedError(f"secret {secret.name} is not ours")
        todo = work(self._stack, state, secret)
        self._check_keys(secret, (*todo.add, *todo.retry, *todo.rekey))
        if todo.add or todo.retry or todo.rekey or todo.remove:
            state = take(self._stack, state, Part.REPLICAS)
        # Before they are asked for, so that what is ours to remove again survives a crash.
        state = _remember(self._stack, state, more={one.region for one in secret.replicas})
        if todo.add or todo.retry:
            state = self._replicate(state, (*todo.add, *todo.retry))
        for one in todo.rekey:
            state = self._change_key(state, one)
        if todo.remove:
            state = _remove(self._stack, state, todo.remove)
        state = _remember(self._stack, state, gone=todo.gone)
        if todo.waiting:
            state = settle(self._stack, secret) or state
        refuse_failed(self._stack, state)
        return self._said(state, secret, todo)

    def _plan(self, resource: Resource, secret: SecretSpec) -> Change | None:
        stack, state = self._stack, self._stack.observed.secrets.get(secret.name)
        owned = state is not None and state.deleted_at is None and stack.ownership.owns(state)
        ours = owned and state is not None and bool(made_regions(stack, state))
        if not secret.replicas and not ours and not (self._deep and owned):
            return None
        if state is None or state.deleted_at is not None:
            self._check_keys(secret, secret.replicas)
            return Change(resource, ChangeClass.REPLICATE, ("follows the secret",))
        if not owned:
            return Change(resource, ChangeClass.BLOCKED, ("the secret is not ours",))
        made = desired.made(stack, state, secret, Part.REPLICAS)
        # Of a secret that is to be finished the replicas are looked at: one that is gone would hold it up for ever.
        vouched = made and desired.finished(stack, state, secret)
        if vouched and not self._deep and secret.replicas and isinstance(state.replicas, Unread):
            return Change(resource, ChangeClass.NONE, (_UNREAD,))
        return self._compare(resource, observed(stack, secret.name) or state, secret, made=made)

    def _compare(self, resource: Resource, state: SecretState, secret: SecretSpec, *, made: bool) -> Change | None:
        todo = work(self._stack, state, secret)
        self._check_keys(secret, (*todo.add, *todo.retry, *todo.rekey))
        reasons = todo.reasons(state, made=made)
        if reasons:
            return Change(resource, ChangeClass.REPLICATE, reasons, drift=made and bool(todo.add or todo.rekey))
        if todo.others:
            # Whoever added it may depend on it: it is said, and theirs to remove.
            said = f"{OUTSIDE}replica in {', '.join(todo.others)} was added by somebody else; it is left alone"
            return Change(resource, ChangeClass.NONE, (said,), drift=True)
        return Change(resource, ChangeClass.NONE, (described(self._stack, state),)) if secret.replicas else None

    def _check_keys(self, secret: SecretSpec, replicas: Iterable[ReplicaSpec]) -> None:
        """Refuse a key that AWS would answer with a replica that has failed.

        Raises:
            AwsError: for the first key that is not there or not usable.
        """
        for one in replicas:
            problem = self._stack.observed.keys_in(one.region).problem(one.kms_key_id) if one.kms_key_id else None
            if problem:
                raise AwsError(
                    f"KMS key {one.kms_key_id} for the replica of {secret.name} in {one.region} {problem}",
                    operation="ReplicateSecretToRegions",
                    remedy=f"Name an enabled symmetric encryption key of {one.region}, or enable this one.",
                )

    def _replicate(self, state: SecretState, replicas: Sequence[ReplicaSpec]) -> SecretState:
        client = self._stack.account.client("secretsmanager")
        wanted: list[Any] = [
            {"Region": one.region, **({"KmsKeyId": one.kms_key_id} if one.kms_key_id else {})} for one in replicas
        ]
        try:
            with calling("ReplicateSecretToRegions", state.name):
                answer = client.replicate_secret_to_regions(SecretId=state.arn, AddReplicaRegions=wanted)
        except AwsError as error:
            # Another run was quicker, or an earlier try got through.
            seen = (
                self._stack.observed.secrets.refresh(state.name) if error.code == "InvalidParameterException" else None
            )
            if seen is None or not {one.region for one in replicas} <= set(known(seen)):
                raise
            return seen
        return _note(self._stack, state, {**known(state), **replica_states(answer["ReplicationStatus"])})

    def _change_key(self, state: SecretState, one: ReplicaSpec) -> SecretState:
        client = self._stack.observed.account_in(one.region).client("secretsmanager")
        arn = state.arn.replace(f":{self._stack.account.region}:", f":{one.region}:", 1)
        with calling("UpdateSecret", f"{state.name} in {one.region}"):
            client.update_secret(SecretId=arn, KmsKeyId=one.kms_key_id or DEFAULT_KEY_ALIAS)
        replicas = dict(known(state))
        replicas[one.region] = replace(replicas[one.region], kms_key_id=one.kms_key_id)
        return _note(self._stack, state, replicas)

    def _said(self, state: SecretState, secret: SecretSpec, todo: Work) -> str:
        if todo.only_waits and any(one.in_progress for one in known(state).values()):
            raise SkippedError(
                f"replication of {secret.name} goes on: {described(self._stack, state)}", remedy="Run again later."
            )
        removed = [f"removed from {region}" for region in todo.remove]
        return ", ".join([*([described(self._stack, state)] if secret.replicas else []), *removed])


def observed(stack: Stack, name: str) -> SecretState | None:
    """The secret with its replicas as DescribeSecret shows them, or None; free where this run read them already."""
    state = stack.observed.secrets.confirm(name)
    if state is not None and isinstance(state.replicas, Unread):
        state = stack.observed.secrets.refresh(name)
    return state


def settle(stack: Stack, secret: SecretSpec) -> SecretState | None:
    """Wait for replicas that are being made, a few seconds in all for the whole run, and say where one has failed.

    Nothing is read of a secret that has, and should have, no replica of ours.

    Raises:
        AwsError: if a replica has failed meanwhile.
    """
    run, state = stack.run, stack.observed.secrets.get(secret.name)
    if state is None or not (secret.replicas or made_regions(stack, state)):
        return state
    state = observed(stack, secret.name)
    waited = late = False
    while state is not None and not late and any(one.in_progress for one in known(state).values()):
        late = run.clock() >= stack.observed.replication_deadline.get(lambda: run.clock() + _SETTLE_SECONDS)
        if not late:
            run.sleep(_POLL_SECONDS)
        waited, state = True, stack.observed.secrets.refresh(secret.name)
    if waited and state is not None:
        refuse_failed(stack, state)
    return state


def open_parts(stack: Stack, state: SecretState, secret: SecretSpec) -> list[str]:
    """What is not as declared, for a human, as far as this run has seen it; reads nothing of Secrets Manager."""
    # `settle` may have seen more than the caller.
    state = stack.observed.secrets.get(state.name) or state
    if not secret.replicas and not made_regions(stack, state):
        return []
    if isinstance(state.replicas, Unread):
        return [] if desired.made(stack, state, secret, Part.REPLICAS) else ["replicas"]
    return list(work(stack, state, secret).reasons(state, made=False))


def withdraw(stack: Stack, state: SecretState) -> SecretState:
    """Delete a secret's replicas before it is deleted itself: AWS refuses to delete one that has any.

    Restored one day, it must not look finished without them: its mark stops to vouch for them first.

    Args:
        stack: the stack.
        state: the secret as DescribeSecret showed it in this run.

    Raises:
        SkippedError: if it has replicas that somebody else made.
        AwsError: if AWS refuses.
    """
    replicas = known(state)
    others = sorted(set(replicas) - made_regions(stack, state))
    if others:
        raise SkippedError(
            f"{state.name} has replicas in {', '.join(others)} that somebody else made: remove them, then prune again"
        )
    if not replicas:
        return state
    state = take(stack, state, Part.REPLICAS)
    return _remove(stack, state, sorted(replicas))


def _remove(stack: Stack, state: SecretState, regions: Sequence[str]) -> SecretState:
    """Delete replicas, and forget that they are ours; one that is gone already is what was wanted."""
    client = stack.account.client("secretsmanager")
    try:
        with calling("RemoveRegionsFromReplication", state.name):
            client.remove_regions_from_replication(SecretId=state.arn, RemoveReplicaRegions=list(regions))
    except AwsError as error:
        seen = stack.observed.secrets.refresh(state.name) if error.code == "InvalidParameterException" else None
        if seen is None or set(regions) & set(known(seen)):
            raise
    left = _remember(stack, state, removed=regions)
    return _note(stack, left, {region: replica for region, replica in known(left).items() if region not in regions})


def _remember(
    stack: Stack,
    state: SecretState,
    *,
    more: Iterable[str] = (),
    removed: Iterable[str] = (),
    gone: Iterable[str] = (),
) -> SecretState:
    """Tag a secret with the regions that are ours to remove again; those that another run has just added stay.

    Args:
        stack: the stack.
        state: the secret as this run knew it.
        more: regions that it is about to be replicated to.
        removed: regions whose replica this run has removed.
        gone: regions that had no replica when this run looked.

    Raises:
        SkippedError: if the secret is not ours any more.
        AwsError: if AWS refuses.
    """
    ours = made_regions(stack, state)
    if ours.issuperset(more) and ours.isdisjoint([*removed, *gone]):
        return state
    state = look_again(stack, state)
    regions = made_regions(stack, state).union(more).difference(removed, set(gone) - set(known(state)))
    tags = {REPLICAS: stack.ownership.marks.words(REPLICAS, state.arn, regions)}
    with calling("TagResource", state.name):
        stack.account.client("secretsmanager").tag_resource(SecretId=state.arn, Tags=tag_list(tags))
    tagged = replace(state, tags={**state.tags, **tags})
    stack.observed.secrets.note(tagged)
    return tagged


def _note(stack: Stack, state: SecretState, replicas: Mapping[str, ReplicaState]) -> SecretState:
    changed = replace(state, replicas=replicas)
    stack.observed.secrets.note(changed)
    return changed
