"""Write a KMS key of the stack: CreateKey, or a call for each thing that differs, and the mark by TagResource last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from secrets_pipeline.access.policy_text.canonical import compact, same_policy
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.kms_key.model import KeySpec
from secrets_pipeline.desired.limits import KEY_POLICY_BYTES
from secrets_pipeline.engine.model import NotYetError
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.kms_key.desired import declared_digest, declared_keys_tag, declared_tags, left_tags
from secrets_pipeline.reconcilers.kms_key.lookup import KeyLookup, MarkedKey, key_marks
from secrets_pipeline.reconcilers.kms_key.plan import key_rotation_differences
from secrets_pipeline.reconcilers.kms_key.referenced import unusable
from secrets_pipeline.reconcilers.observed.key_state import KeyState, key_state
from secrets_pipeline.reconcilers.tag_keys import SPEC

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_UNUSED_WINDOW_IN_DAYS = 7


class KeyWriter:
    """Writes KMS keys of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def create(self, key: KeySpec, policy: dict[str, Any]) -> str:
        """Create the key with its tags by CreateKey, then its alias and rotation, and write its mark last.

        Raises:
            SkippedError: if another run gave the alias to a key of its own meanwhile.
            AwsError: if AWS refuses.
        """
        stack = self._stack
        tags = {
            **declared_tags(stack, key),
            **declared_keys_tag(stack, key, {}),
            **key_marks(stack).created(key.alias, stack.run.now()),
        }
        with calling("CreateKey", key.alias):
            answer = stack.account.client("kms").create_key(
                Description=key.description,
                KeyUsage="ENCRYPT_DECRYPT",
                Policy=compact(policy, longest=KEY_POLICY_BYTES),
                Tags=[{"TagKey": name, "TagValue": value} for name, value in sorted(tags.items())],
            )
        state = key_state(answer["KeyMetadata"])
        stack.observed.keys.note(state, tags)
        self._name(key, state)
        if key.enable_key_rotation:
            self._rotate(key, state)
        mark = self._finish(key, state, policy)
        stack.observed.keys.note(state, {**tags, SPEC: mark})
        return f"key {state.key_id}"

    def repair(self, found: KeyLookup, own: MarkedKey, key: KeySpec, policy: dict[str, Any]) -> list[str]:
        """Change what differs of a key of ours, each thing by its own call, and write its mark last.

        Returns:
            What was changed, for a human.

        Raises:
            AwsError: if the key cannot be used, or AWS refuses.
            SkippedError: if another run gave the alias to a key of its own meanwhile.
        """
        client, keys, state = self._stack.account.client("kms"), self._stack.observed.keys, own.state
        done = []
        if state.problem:
            raise unusable(self._stack, key.alias, state.key_id, state.problem)
        if found.target is None:
            self._name(key, state, spare=True)
            done.append("alias")
        elif not found.in_place:
            with calling("UpdateAlias", key.alias):
                client.update_alias(AliasName=key.alias, TargetKeyId=state.key_id)
            keys.note_alias(key.alias, state.key_id)
            done.append("alias")
        if state.description != key.description:
            with calling("UpdateKeyDescription", key.alias):
                client.update_key_description(KeyId=state.key_id, Description=key.description)
            done.append("description")
        if not same_policy(keys.policy(state.key_id), policy):
            if own.mark.digest not in (None, declared_digest(self._stack, key, policy)):
                # The mark vouches for the policy, which no list shows: not while another one is there than it says.
                self._tag(key, state, key_marks(self._stack).provisional(state.arn, key.alias))
            text = compact(policy, longest=KEY_POLICY_BYTES)
            with calling("PutKeyPolicy", key.alias):
                client.put_key_policy(KeyId=state.key_id, PolicyName="default", Policy=text)
            done.append("policy")
        if key_rotation_differences(keys.rotation(state.key_id), key):
            done.append("rotation on" if key.enable_key_rotation else "rotation off")
            self._rotate(key, state)
        done.extend(self._retag(key, state, finished=own.mark.digest == declared_digest(self._stack, key, policy)))
        self._finish(key, state, policy)
        return done

    def _retag(self, key: KeySpec, state: KeyState, *, finished: bool) -> list[str]:
        stack, client = self._stack, self._stack.account.client("kms")
        observed, wanted = stack.observed.keys.tags(state.key_id), declared_tags(stack, key)
        missing = {name: value for name, value in wanted.items() if observed.get(name) != value}
        left = left_tags(stack, key, observed, finished=finished)
        if left:
            with calling("UntagResource", key.alias):
                client.untag_resource(KeyId=state.key_id, TagKeys=left)
        marks = key_marks(stack)
        if not marks.identity(key.alias).keys().isdisjoint(missing):
            # The mark speaks of them: a new one is written in the same call.
            missing |= marks.provisional(state.arn, key.alias)
        if missing:
            self._tag(key, state, missing | declared_keys_tag(stack, key, observed))
        return ["tags"] if missing or left else []

    def _finish(self, key: KeySpec, state: KeyState, policy: dict[str, Any]) -> str:
        """Write the mark of a finished key, and which tags are declared, by TagResource, unless they are there.

        Returns:
            The mark.
        """
        digest = declared_digest(self._stack, key, policy)
        if digest is None:
            raise RuntimeError("keys are marked under the fingerprint key, which apply makes first")
        mark = key_marks(self._stack).finished(state.arn, key.alias, digest, key.deletion_window_in_days)
        held = self._stack.observed.keys.tags(state.key_id)
        noted = {**declared_keys_tag(self._stack, key, held), SPEC: mark}
        if any(held.get(name) != text for name, text in noted.items()):
            self._tag(key, state, noted)
        return mark

    def _tag(self, key: KeySpec, state: KeyState, tags: Mapping[str, str]) -> None:
        listed = [{"TagKey": name, "TagValue": value} for name, value in sorted(tags.items())]
        with calling("TagResource", key.alias):
            self._stack.account.client("kms").tag_resource(KeyId=state.key_id, Tags=cast("Any", listed))

    def _name(self, key: KeySpec, state: KeyState, *, spare: bool = False) -> None:
        """Give a key its alias, unless another run did; a key of ours that lost to another one is given up.

        Args:
            key: the declared key.
            state: the key that gets the alias.
            spare: whether the key was there before, and so is kept in any case.
        """
        client, keys = self._stack.account.client("kms"), self._stack.observed.keys
        try:
            with calling("CreateAlias", key.alias):
                client.create_alias(AliasName=key.alias, TargetKeyId=state.key_id)
        except AwsError as error:
            if error.code != "AlreadyExistsException":
                raise
        else:
            keys.note_alias(key.alias, state.key_id)
            return
        keys.forget(key.alias)
        winner = keys.about(key.alias)
        if winner is not None:
            keys.note_alias(key.alias, winner.key_id)
        if winner is not None and winner.key_id == state.key_id:
            # A run that raced with this one found our key by its tag and named it.
            return
        if winner is not None and not spare:
            with calling("ScheduleKeyDeletion", state.key_id):
                client.schedule_key_deletion(KeyId=state.key_id, PendingWindowInDays=_UNUSED_WINDOW_IN_DAYS)
        raise NotYetError(f"{key.alias} exists after all: the next run compares it")

    def _rotate(self, key: KeySpec, state: KeyState) -> None:
        client = self._stack.account.client("kms")
        if not key.enable_key_rotation:
            with calling("DisableKeyRotation", key.alias):
                client.disable_key_rotation(KeyId=state.key_id)
            return
        period = {"RotationPeriodInDays": key.rotation_period_in_days} if key.rotation_period_in_days else {}
        with calling("EnableKeyRotation", key.alias):
            client.enable_key_rotation(KeyId=state.key_id, **period)
