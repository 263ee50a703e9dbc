"""Plan and apply KMS keys: those that the stack makes, with alias, rotation, tags and policy, and those it names.

A key of ours is made with its tags, then gets alias and rotation, and its mark last. Whatever a crash left is found
again by alias or, without one, by tag, so that no second key is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access.policy_text.canonical import same_policy
from secrets_pipeline.access.policy_text.differences import policy_details
from secrets_pipeline.desired.boundary import ContestedKind
from secrets_pipeline.desired.kms_key.model import KeySpec
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, ChangedOutside, Differs, Reason, Waits
from secrets_pipeline.reconcilers.contest import lost_contest
from secrets_pipeline.reconcilers.kms_key.apply import KeyWriter
from secrets_pipeline.reconcilers.kms_key.desired import declared_digest, declared_policy, declared_tags, left_tags
from secrets_pipeline.reconcilers.kms_key.lookup import (
    KeyLookup,
    MarkedKey,
    foreign_key,
    in_the_way,
    key_not_ours,
    look_up,
)
from secrets_pipeline.reconcilers.kms_key.plan import (
    alias_differences,
    description_differences,
    key_rotation_differences,
    tag_differences,
    window_difference,
)
from secrets_pipeline.reconcilers.kms_key.referenced import referenced_keys, unusable
from secrets_pipeline.reconcilers.marks.key_mark import ALIAS
from secrets_pipeline.reconcilers.needed import needs_of, skipped
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "kms-key"
_UNREAD = Because("policy not read: `verify` and `plan --deep` do")
_AS_IT_IS = Because("was not made by the pipeline: used as it is")


class KmsKeyReconciler:
    """Plans and applies the KMS keys of one stack.

    The policy of a key whose mark is up to date is not read: the verification does that. With `deep`, it is.
    """

    def __init__(self, stack: Stack, *, deep: bool | None = None) -> None:
        self._stack = stack
        self._deep = stack.run.options.deep if deep is None else deep
        self._writer = KeyWriter(stack)
        self._keys = {key.alias: key for key in stack.spec.keys}

    def plan(self) -> Sequence[Change]:
        """Plan one change a declared key, and one for each other key that secrets are to be encrypted under."""
        declared = [
            planned(Resource(KIND, alias, ", ".join(key.components)), partial(self._plan, key))
            for alias, key in self._keys.items()
        ]
        return [*declared, *referenced_keys(self._stack, KIND)]

    def apply(self, change: Change) -> str:
        """Create or repair one key; see `engine.Reconciler`."""
        key = self._keys[change.resource.name]
        policy = declared_policy(self._stack, key)
        if isinstance(policy, Pending):
            raise skipped(policy)
        found = look_up(self._stack, key.alias)
        if found.own is None and found.target is None:
            self._stack.observed.keys.forget_search(ALIAS)
            found = look_up(self._stack, key.alias)
        if found.target is not None and not found.in_place:
            # Whose the key is that the alias is about to be taken from is asked now: a list may be old.
            self._stack.observed.keys.confirm_alias(key.alias)
            found = look_up(self._stack, key.alias)
        if (others := in_the_way(self._stack, key.alias)) is not None:
            raise SkippedError(str(key_not_ours(self._stack, others, key.alias)))
        if found.own is not None:
            try:
                return ", ".join(self._writer.repair(found, found.own, key, policy)) or "finished"
            finally:
                self._stack.observed.keys.forget(found.own.state.key_id)
        return self._writer.create(key, policy)

    def _plan(self, key: KeySpec) -> Change:
        resource = Resource(KIND, key.alias, ", ".join(key.components))
        policy = declared_policy(self._stack, key)
        if isinstance(policy, Pending):
            return Change(resource, ChangeClass.UPDATE, (Waits(policy.reason),), needs=needs_of([policy]))
        found = look_up(self._stack, key.alias)
        subject = found.own or found.target
        if subject is None:
            return self._plan_new(resource, policy)
        if subject.state.problem:
            raise unusable(self._stack, key.alias, subject.state.key_id, subject.state.problem)
        foreign = foreign_key(self._stack, key)
        if foreign is not None or found.own is None:
            why = _AS_IT_IS if foreign is None else foreign[1]
            return Change(resource, ChangeClass.NONE if foreign is None else ChangeClass.BLOCKED, (why,))
        finished = found.own.mark.digest is not None and found.own.mark.digest == declared_digest(
            self._stack, key, policy
        )
        compared = policy if self._deep or not finished else None
        reasons = self._differences(found, found.own, key, compared, finished=finished)
        if finished and (window := window_difference(found.own, key)):
            outside = map(ChangedOutside, reasons)
            return Change(resource, ChangeClass.UPDATE, (*outside, window), drift=bool(reasons))
        if finished:
            said = tuple(map(ChangedOutside, reasons))
            unread = () if self._deep else (_UNREAD,)
            return Change(resource, ChangeClass.UPDATE if said else ChangeClass.NONE, said or unread, drift=bool(said))
        action = ChangeClass.UPDATE if self._stack.ownership.claims(found.own.mark.owner) else ChangeClass.ADOPT
        return Change(resource, action, tuple(reasons) or (Because("is as declared, and not marked as finished"),))

    def _plan_new(self, resource: Resource, policy: dict[str, Any] | None) -> Change:
        if lost := lost_contest(self._stack, ContestedKind.KEY, resource.name):
            return Change(resource, ChangeClass.BLOCKED, (lost,))
        details = policy_details(None, policy)
        new = (Because("new key policy", details=details),) if details else ()
        return Change(resource, ChangeClass.CREATE, new)

    def _differences(
        self,
        found: KeyLookup,
        own: MarkedKey,
        key: KeySpec,
        policy: dict[str, Any] | None,
        *,
        finished: bool,
    ) -> Sequence[Reason]:
        """A reason for everything that differs; a policy of None is not compared."""
        keys, key_id = self._stack.observed.keys, own.state.key_id
        reasons = [*alias_differences(found), *description_differences(own.state, key)]
        if policy is not None and not same_policy(keys.policy(key_id), policy):
            reasons.append(Differs("key policy", details=policy_details(keys.policy(key_id), policy)))
        reasons.extend(key_rotation_differences(keys.rotation(key_id), key))
        held = keys.tags(key_id)
        left = left_tags(self._stack, key, held, finished=finished)
        reasons.extend(tag_differences(held, declared_tags(self._stack, key), left))
        return reasons
