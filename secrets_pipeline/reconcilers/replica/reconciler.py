"""Replicate secrets to other regions: replicas are added, retried, put under another key, and removed.

Everything is called in the primary's region; value, tags, policy and rotation reach the replicas by themselves. The one
thing that a replica has of its own is its KMS key, so that alone is changed in the replica's region, and nothing has to
be deleted for it.
Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html and
https://docs.aws.amazon.com/secretsmanager/latest/userguide/standalone-secret.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from secrets_pipeline.arn import account_of
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.secret.model import ReplicaSpec, SecretSpec
from secrets_pipeline.engine.model import Change, ChangeClass, NotYetError, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, ChangedOutside, Follows
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.marks.secret_mark import Part
from secrets_pipeline.reconcilers.observed.secret_state import (
    DEFAULT_KEY_ALIAS,
    ReplicaState,
    SecretState,
    Unread,
    replica_states,
)
from secrets_pipeline.reconcilers.observed.tags import tag_list
from secrets_pipeline.reconcilers.replica.plan import (
    ReplicaWork,
    compare_replicas,
    describe_replicas,
    known_replicas,
    made_regions,
    refuse_failed,
)
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret
from secrets_pipeline.reconcilers.secret.part import UNREAD, PartReconciler
from secrets_pipeline.reconcilers.secret.part_mark import reread_own, withdraw_digest
from secrets_pipeline.reconcilers.tag_keys import REPLICAS, SPEC

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "replica"
Replicas: TypeAlias = tuple[ReplicaSpec, ...]
_SETTLE_SECONDS = 15.0
_POLL_SECONDS = 1.0


class ReplicaReconciler(PartReconciler[Replicas]):
    """Reconciles replicas of one stack's secrets, one change a secret."""

    kind = KIND
    part = Part.REPLICAS

    def declared(self, secret: DesiredSecret) -> Replicas | None:
        """List the declared replicas; None where there should be none."""
        return secret.spec.replicas or None

    def follow(self, resource: Resource, secret: DesiredSecret) -> Change:
        """Plan the replicas of a secret that is made first; see `PartReconciler`."""
        self._check_keys(secret.spec, secret.spec.replicas)
        regions = ", ".join(replica.region for replica in secret.spec.replicas)
        follows = Follows(f"follows the secret, to {regions}")
        return Change(resource, ChangeClass.REPLICATE, (follows,), quantity=len(secret.spec.replicas))

    def compare(
        self, resource: Resource, secret: DesiredSecret, state: SecretState, declared: Replicas | None
    ) -> Change | None:
        """Compare with what DescribeSecret shows; see `PartReconciler`."""
        if not declared and not made_regions(self._stack, state) and not self._deep:
            return None
        made = secret.made(state, self.part)
        # Of a secret that is to be finished the replicas are looked at: one that is gone would hold it up for ever.
        vouched = made and secret.finished(state)
        if vouched and not self._deep and declared and isinstance(state.replicas, Unread):
            return Change(resource, ChangeClass.NONE, (UNREAD,))
        return self._compared(resource, read_replicas(self._stack, secret.name) or state, secret.spec, made=made)

    def write(self, secret: DesiredSecret, state: SecretState, declared: Replicas | None) -> str:
        """Call ReplicateSecretToRegions and RemoveRegionsFromReplication; see `PartReconciler`."""
        todo = compare_replicas(self._stack, state, secret.spec)
        self._check_keys(secret.spec, (*todo.add, *todo.retry, *todo.rekey))
        if todo.add or todo.retry or todo.rekey or todo.remove:
            state = withdraw_digest(self._stack, state, self.part)
        # Before they are asked for, so that what is ours to remove again survives a crash.
        state = _tag_regions(self._stack, state, more={one.region for one in declared or ()})
        if todo.add or todo.retry:
            state = self._replicate(state, (*todo.add, *todo.retry))
        for one in todo.rekey:
            state = self._change_key(state, one)
        if todo.remove:
            state = _remove(self._stack, state, todo.remove)
        state = _tag_regions(self._stack, state, gone=todo.gone)
        if todo.waiting:
            state = wait_for_replicas(self._stack, secret.spec) or state
        refuse_failed(self._stack, state)
        return self._said(state, secret.spec, todo)

    def _compared(self, resource: Resource, state: SecretState, secret: SecretSpec, *, made: bool) -> Change | None:
        todo = compare_replicas(self._stack, state, secret)
        self._check_keys(secret, (*todo.add, *todo.retry, *todo.rekey))
        reasons = todo.reasons(state, made=made)
        if reasons:
            drift, more = made and bool(todo.add or todo.rekey), len(todo.add) - len(todo.remove)
            return Change(resource, ChangeClass.REPLICATE, reasons, drift=drift, quantity=more)
        if todo.others and not self._stack.ownership.marks.keeps(state, self.part):
            # Whoever added it may depend on it: it is said, and theirs to remove.
            said = Because(f"replica in {', '.join(todo.others)} was added by somebody else; it is left alone")
            return Change(resource, ChangeClass.NONE, (ChangedOutside(said),), drift=True)
        return (
            Change(resource, ChangeClass.NONE, (Because(describe_replicas(self._stack, state)),))
            if secret.replicas
            else None
        )

    def _check_keys(self, secret: SecretSpec, replicas: Iterable[ReplicaSpec]) -> None:
        """Refuse a key that AWS would answer with a replica that has failed.

        Raises:
            AwsError: for the first key that is not there or not usable.
        """
        for one in replicas:
            problem = self._stack.observed.keys_in(one.region).problem(one.kms_key_id) if one.kms_key_id else None
            if problem:
                raise AwsError(
                    f"KMS key {one.kms_key_id} for the replica of {secret.name} in {one.region} {problem.problem}",
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
            if seen is None or not {one.region for one in replicas} <= set(known_replicas(seen)):
                raise
            return seen
        return _note(self._stack, state, {**known_replicas(state), **replica_states(answer["ReplicationStatus"])})

    def _change_key(self, state: SecretState, one: ReplicaSpec) -> SecretState:
        client = self._stack.observed.account_in(one.region).client("secretsmanager")
        arn = state.arn.replace(f":{self._stack.account.region}:", f":{one.region}:", 1)
        with calling("UpdateSecret", f"{state.name} in {one.region}"):
            client.update_secret(SecretId=arn, KmsKeyId=one.kms_key_id or DEFAULT_KEY_ALIAS)
        replicas = dict(known_replicas(state))
        replicas[one.region] = replace(replicas[one.region], kms_key_id=one.kms_key_id)
        return _note(self._stack, state, replicas)

    def _said(self, state: SecretState, secret: SecretSpec, todo: ReplicaWork) -> str:
        if todo.only_waits and any(one.in_progress for one in known_replicas(state).values()):
            raise NotYetError(
                f"replication of {secret.name} goes on: {describe_replicas(self._stack, state)}",
                remedy="Run again later.",
            )
        removed = [f"removed from {region}" for region in todo.remove]
        return ", ".join([*([describe_replicas(self._stack, state)] if secret.replicas else []), *removed])


def read_replicas(stack: Stack, name: str) -> SecretState | None:
    """Read the secret with its replicas by DescribeSecret; free where this run read them already."""
    state = stack.observed.secrets.confirm(name)
    if state is not None and isinstance(state.replicas, Unread):
        state = stack.observed.secrets.refresh(name)
    return state


def wait_for_replicas(stack: Stack, secret: SecretSpec) -> SecretState | None:
    """Wait for replicas that are being made, a few seconds in all for the whole run, and say where one has failed.

    Nothing is read of a secret that has, and should have, no replica of ours.

    Raises:
        AwsError: if a replica has failed meanwhile.
    """
    run, state = stack.run, stack.observed.secrets.get(secret.name)
    if state is None or not (secret.replicas or made_regions(stack, state)):
        return state
    state = read_replicas(stack, secret.name)
    waited = late = False
    while state is not None and not late and any(one.in_progress for one in known_replicas(state).values()):
        late = run.clock() >= stack.observed.replication_deadline.get(lambda: run.clock() + _SETTLE_SECONDS)
        if not late:
            run.sleep(_POLL_SECONDS)
        waited, state = True, stack.observed.secrets.refresh(secret.name)
    if waited and state is not None:
        refuse_failed(stack, state)
    return state


def open_replicas(stack: Stack, state: SecretState, secret: DesiredSecret) -> list[str]:
    """List what is not as declared, for a human, as far as this run has seen it; reads nothing of Secrets Manager."""
    # `wait_for_replicas` may have seen more than the caller.
    state = stack.observed.secrets.get(state.name) or state
    if not secret.spec.replicas and not made_regions(stack, state):
        return []
    if isinstance(state.replicas, Unread):
        return [] if secret.made(state, Part.REPLICAS) else ["replicas"]
    return list(map(str, compare_replicas(stack, state, secret.spec).reasons(state, made=False)))


def delete_replicas(stack: Stack, state: SecretState) -> SecretState:
    """Delete a secret's replicas by RemoveRegionsFromReplication: AWS refuses to delete a secret that has any.

    Restored one day, it must not look finished without them: its mark stops to vouch for them first.

    Args:
        stack: the stack.
        state: the secret as DescribeSecret showed it in this run.

    Raises:
        SkippedError: if it has replicas that somebody else made, or a replica in another account.
        AwsError: if AWS refuses.
    """
    for one in state.cross_account_replicas:
        raise SkippedError(
            f"{state.name} is replicated to account {account_of(one.arn)} as {one.arn}: AWS does not delete it",
            remedy="Ask whoever associated it, or end the replication (DisassociateCrossAccountReplica): "
            f"`aws secretsmanager disassociate-cross-account-replica --region {stack.account.region} "
            f"--secret-id {state.arn} --cross-account-replica-arn {one.arn}`. The copy stays in its account. "
            "Then prune again.",
        )
    replicas = known_replicas(state)
    others = sorted(set(replicas) - made_regions(stack, state))
    if others:
        raise SkippedError(
            f"{state.name} has replicas in {', '.join(others)} that somebody else made: remove them, then prune again"
        )
    if not replicas:
        return state
    state = withdraw_digest(stack, state, Part.REPLICAS)
    return _remove(stack, state, sorted(replicas))


def _remove(stack: Stack, state: SecretState, regions: Sequence[str]) -> SecretState:
    """Delete replicas, and forget that they are ours; one that is gone already is what was wanted."""
    client = stack.account.client("secretsmanager")
    try:
        with calling("RemoveRegionsFromReplication", state.name):
            client.remove_regions_from_replication(SecretId=state.arn, RemoveReplicaRegions=list(regions))
    except AwsError as error:
        seen = stack.observed.secrets.refresh(state.name) if error.code == "InvalidParameterException" else None
        if seen is None or set(regions) & set(known_replicas(seen)):
            raise
    left = _tag_regions(stack, state, removed=regions)
    return _note(
        stack, left, {region: replica for region, replica in known_replicas(left).items() if region not in regions}
    )


def _tag_regions(
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
    known, state = state, reread_own(stack, state)
    # Another run that took the secret meanwhile may be about to add again what this one removed.
    taken = state.tags.get(SPEC) != known.tags.get(SPEC)
    if taken and more:
        # Its mark would vouch for regions that this run adds.
        state = withdraw_digest(stack, state, Part.REPLICAS)
    lost = set() if taken else {*removed, *(set(gone) - set(known_replicas(state)))}
    regions = (made_regions(stack, state) | set(more)) - lost
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
