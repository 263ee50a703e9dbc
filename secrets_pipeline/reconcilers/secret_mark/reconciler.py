"""Write the commit mark by TagResource, last, on every secret of which all parts are as the stack says.

It is written as soon as the last part of a secret is done, so that the calls for marks run beside those for parts: the
two have quotas of their own. What is left is marked at the end of the run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.access.policy_text.canonical import same_policy
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.engine.apply import Reconciler
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, Remark
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.reconcilers.marks.secret_mark import Commit, Part
from secrets_pipeline.reconcilers.observed.secret_state import SecretState, Unread
from secrets_pipeline.reconcilers.replica.reconciler import open_replicas, wait_for_replicas
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret, desired_secrets
from secrets_pipeline.reconcilers.secret.part import plan_each
from secrets_pipeline.reconcilers.secret.part_mark import reread_own, withdraw_all_digests, write_finished_mark
from secrets_pipeline.reconcilers.secret.plan import differences
from secrets_pipeline.reconcilers.secret_rotation.reconciler import rotation_differences
from secrets_pipeline.reconcilers.secret_value.external import lacks_its_value
from secrets_pipeline.reconcilers.secret_value.fields import known_fields
from secrets_pipeline.reconcilers.secret_value.inputs import field_inputs
from secrets_pipeline.reconcilers.secret_value.provenance import is_rendered_from
from secrets_pipeline.reconcilers.tag_keys import SPEC
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "commit"
_ROTATION = "rotation"
_REMEDY = "It failed, waits, or somebody changed it during this run: run again, when nobody else writes it any more."


class SecretMarkReconciler:
    """Writes the marks of one stack's secrets."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._secrets = desired_secrets(stack)

    def plan(self) -> Sequence[Change]:
        """Plan one change a secret whose mark does not say what the stack says."""
        return plan_each(list(self._secrets.values()), KIND, self._plan)

    def apply(self, change: Change) -> str:
        """Write one mark by TagResource; see `engine.Reconciler`."""
        secret = self._secrets[change.resource.name]
        state = self._stack.observed.secrets.confirm(secret.name)
        commit = secret.commit
        if state is None or commit is None:
            raise SkippedError("is not finished yet")
        if not self._stack.ownership.owns(state):
            raise SkippedError(f"secret {secret.name} is not ours")
        _mark(self._stack, state, secret, commit)
        return "finished"

    def _plan(self, resource: Resource, secret: DesiredSecret) -> Change | None:
        stack = self._stack
        state = stack.observed.secrets.get(secret.name)
        if state is None or state.deleted_at is not None:
            return None
        if not stack.ownership.owns(state) or secret.finished(state):
            return None
        wait_for_replicas(stack, secret.spec)
        if secret.name in stack.observed.secrets.made_before:
            # What this run took for granted of a new secret has to be read.
            stack.observed.secrets.policy(secret.name)
            state = stack.observed.secrets.get(secret.name) or state
        open_parts = _open_parts(stack, state, secret)
        if open_parts == [_ROTATION] and lacks_its_value(secret.spec, state):
            waits = Remark("is finished when its rotation begins, with the value that somebody else brings")
            return Change(resource, ChangeClass.NONE, (waits,))
        if open_parts or secret.commit is None:
            reason = f"not finished: {', '.join(open_parts) or 'waits'}"
            return Change(resource, ChangeClass.BLOCKED, (Because(reason),), remedy=_REMEDY, act=True)
        return Change(resource, ChangeClass.UPDATE, (Because("every part is as declared"),), note=True)


class MarkingReconciler:
    """Runs a reconciler of secrets, or of parts of them, and marks each secret whose last part it has done."""

    def __init__(self, stack: Stack, reconciler: Reconciler) -> None:
        self._stack = stack
        self._reconciler = reconciler
        self._secrets = desired_secrets(stack)

    def plan(self) -> Sequence[Change]:
        """Plan as the reconciler does; see `engine.Reconciler`."""
        return self._reconciler.plan()

    def apply(self, change: Change) -> str:
        """Make one change true, then write the mark if nothing else is open; see `engine.Reconciler`."""
        done = self._reconciler.apply(change)
        secret = self._secrets.get(change.resource.name)
        if secret is not None:
            # The part is done; a mark that could not be written is tried again at the end of the run, and said there.
            with contextlib.suppress(SecretsPipelineError):
                self._finish(secret)
        return done

    def _finish(self, secret: DesiredSecret) -> None:
        stack = self._stack
        state = stack.observed.secrets.get(secret.name)
        if state is None or not state.confirmed or state.deleted_at is not None or not stack.ownership.owns(state):
            return
        commit = secret.commit
        if commit is None or stack.ownership.marks.verify(state).commit == commit or _open_parts(stack, state, secret):
            return
        _mark(stack, state, secret, commit)


def _mark(stack: Stack, known: SecretState, secret: DesiredSecret, commit: Commit) -> None:
    """Write the mark, unless somebody else was at the secret meanwhile.

    Raises:
        SkippedError: if so, or if a part is open after all.
        AwsError: if AWS refuses.
    """
    state = known
    if _may_reread(stack, secret):
        state = seen = reread_own(stack, known)
        if seen.tags.get(SPEC) != known.tags.get(SPEC):
            found = stack.ownership.marks.verify(seen)
            if found.commit == commit:
                # Another run finished what we declare.
                return
            if found.creation and known.name in stack.observed.secrets.made:
                # Its token was used before: CreateSecret succeeds then, and makes nothing.
                stack.observed.secrets.made.discard(known.name)
                stack.observed.secrets.made_before.add(known.name)
            # Whose parts it has now, nobody knows: they are read before it is marked.
            withdraw_all_digests(stack, seen)
            raise SkippedError("another run changes it at the same time", remedy="Run again: all parts are read then.")
    if open_parts := _open_parts(stack, state, secret):
        raise SkippedError(f"not finished: {', '.join(open_parts)}", remedy=_REMEDY)
    write_finished_mark(stack, state, secret, commit)


def _may_reread(stack: Stack, secret: DesiredSecret) -> bool:
    """Creating a secret costs four calls at most: with both a policy and a rotation, this look would be the fifth."""
    created = secret.name in stack.observed.secrets.made
    return not (created and secret.spec.rotation is not None and secret.policy is not None)


def _open_parts(stack: Stack, state: SecretState, secret: DesiredSecret) -> list[str]:
    """What is not as the stack declares it, for a human; reads nothing."""
    parts = [str(one.reason) for one in differences(stack, state, secret)]
    policy, wanted = secret.policy, secret.rotation
    kept = policy is None and stack.ownership.marks.keeps(state, Part.POLICY)
    if not kept and not secret.made(state, Part.POLICY) and _policy_differs(state, policy):
        parts.append("policy")
    kept = wanted is None and (stack.ownership.marks.keeps(state, Part.ROTATION) or secret.made(state, Part.ROTATION))
    if not kept and (isinstance(wanted, Pending) or rotation_differences(state, wanted)):
        parts.append(_ROTATION)
    parts.extend(open_replicas(stack, state, secret))
    if isinstance(secret.spec.value, GeneratedValue) and secret.spec.value.fields:
        fields, missing = known_fields(stack, secret.spec)
        if missing or not is_rendered_from(state, field_inputs(stack, secret.spec, fields)):
            parts.append("fields beside the password")
    return parts


def _policy_differs(state: SecretState, wanted: dict[str, object] | Pending | None) -> bool:
    return isinstance(wanted, Pending) or isinstance(state.policy, Unread) or not same_policy(state.policy, wanted)
