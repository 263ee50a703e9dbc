"""KMS keys with alias, rotation, tags and policy.

A key is found by its alias. Between CreateKey and CreateAlias a crash leaves a key without one: it is found again by
its tag, so that no second key is made.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access import key_policy, same_policy
from secrets_pipeline.aws import AwsError, calling, find_key, find_unaliased_key
from secrets_pipeline.engine import Change, ChangeClass, Resource, SkippedError, planned
from secrets_pipeline.reconcilers.marks import PREFIX, STACK
from secrets_pipeline.reconcilers.states import KeyState
from secrets_pipeline.references import Pending, Plain, substitute
from secrets_pipeline.spec import KeySpec

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

KIND = "kms-key"
ALIAS = PREFIX + "alias"
_UNUSED_WINDOW_IN_DAYS = 7


class KmsKeyReconciler:
    """KMS keys of one stack."""

    def __init__(self, context: StackContext) -> None:
        self._context = context
        self._keys = {key.alias: key for key in context.spec.keys}

    def plan(self) -> Sequence[Change]:
        """One change a declared key."""
        return [
            planned(Resource(KIND, alias, ", ".join(key.components)), partial(self._plan, key))
            for alias, key in self._keys.items()
        ]

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        key = self._keys[change.resource.name]
        policy = self._policy(key)
        if isinstance(policy, Pending):
            raise SkippedError(policy.reason)
        state = self._context.inventory.key(key.alias)
        try:
            if state is None:
                return self._create(key, policy)
            return ", ".join(self._update(state, key, policy))
        finally:
            self._context.inventory.forget_key(key.alias)

    def _plan(self, key: KeySpec) -> Change:
        resource = Resource(KIND, key.alias, ", ".join(key.components))
        policy = self._policy(key)
        if isinstance(policy, Pending):
            return Change(resource, ChangeClass.UPDATE, (f"waits: {policy.reason}",))
        state = self._context.inventory.key(key.alias)
        if state is None:
            return Change(resource, ChangeClass.CREATE)
        if state.tags.get(STACK) != self._context.spec.stack:
            owner = state.tags.get(STACK)
            whose = f"belongs to stack {owner}" if owner else "was not made by the pipeline"
            reason = f"{whose}: name its ARN in kms_key_id or default_kms_key_id, or declare another alias"
            return Change(resource, ChangeClass.BLOCKED, (reason,))
        if state.state != "Enabled":
            reason = f"key is {state.state}: {self._would_die(state)}"
            return Change(resource, ChangeClass.BLOCKED, (reason,))
        reasons = tuple(self._differences(state, key, policy))
        return Change(resource, ChangeClass.UPDATE if reasons else ChangeClass.NONE, reasons)

    def _would_die(self, state: KeyState) -> str:
        ids = self._context.inventory.key_id
        names = [
            secret.name
            for secret in self._context.inventory.secrets().values()
            if secret.kms_key_id and ids(secret.kms_key_id) == state.key_id
        ]
        readable = ", ".join(sorted(names)) or "no secret of this stack"
        return f"enable it or cancel its deletion; unreadable without it: {readable}"

    def _policy(self, key: KeySpec) -> dict[str, Any] | Pending:
        account = self._context.account
        match substitute(list(key.policy), self._context.outputs):
            case Plain(value=list() as declared):
                return key_policy(account.account_id, account.region, account.partition, declared, key.readers)
            case Pending() as pending:
                return pending
            case _:
                return Pending("its policy holds a secret value")

    def _tags(self, key: KeySpec) -> dict[str, str]:
        return {**key.tags, STACK: self._context.spec.stack, ALIAS: key.alias}

    def _differences(self, state: KeyState, key: KeySpec, policy: dict[str, Any]) -> list[str]:
        reasons = []
        if state.description != key.description:
            reasons.append(f"description differs: {state.description!r} → {key.description!r}")
        if not same_policy(state.policy, policy):
            reasons.append("key policy differs")
        if state.rotation_enabled != key.enable_key_rotation:
            reasons.append(f"key rotation is {'off' if key.enable_key_rotation else 'on'}")
        elif key.enable_key_rotation and key.rotation_period_in_days not in (None, state.rotation_period_in_days):
            reasons.append(f"rotation period differs: {state.rotation_period_in_days} → {key.rotation_period_in_days}")
        wanted = self._tags(key)
        reasons.extend(f"tag {name} differs" for name, value in wanted.items() if state.tags.get(name) != value)
        return reasons

    def _create(self, key: KeySpec, policy: dict[str, Any]) -> str:
        client = self._context.account.client("kms")
        tags = self._tags(key)
        left_over = find_unaliased_key(client, ALIAS, key.alias)
        key_id = left_over.rsplit("/", 1)[-1] if left_over else None
        if key_id is None:
            with calling("CreateKey", key.alias):
                answer = client.create_key(
                    Description=key.description,
                    Policy=json.dumps(policy),
                    Tags=[{"TagKey": name, "TagValue": value} for name, value in sorted(tags.items())],
                )
            key_id = answer["KeyMetadata"]["KeyId"]
        self._name(key, key_id, ours=left_over is None)
        if key.enable_key_rotation:
            self._rotate(key_id, key)
        if left_over:
            self._context.inventory.forget_key(key.alias)
            state = self._context.inventory.key(key.alias)
            # The YAML may have changed since it was made.
            return ", ".join(["alias", *(self._update(state, key, policy) if state else ())])
        return f"key {key_id}"

    def _update(self, state: KeyState, key: KeySpec, policy: dict[str, Any]) -> list[str]:
        client = self._context.account.client("kms")
        done = []
        if state.description != key.description:
            with calling("UpdateKeyDescription", key.alias):
                client.update_key_description(KeyId=state.key_id, Description=key.description)
            done.append("description")
        if not same_policy(state.policy, policy):
            with calling("PutKeyPolicy", key.alias):
                client.put_key_policy(KeyId=state.key_id, PolicyName="default", Policy=json.dumps(policy))
            done.append("policy")
        if state.rotation_enabled and not key.enable_key_rotation:
            with calling("DisableKeyRotation", key.alias):
                client.disable_key_rotation(KeyId=state.key_id)
            done.append("rotation off")
        elif key.enable_key_rotation and (
            not state.rotation_enabled or key.rotation_period_in_days not in (None, state.rotation_period_in_days)
        ):
            self._rotate(state.key_id, key)
            done.append("rotation on")
        missing = {name: value for name, value in self._tags(key).items() if state.tags.get(name) != value}
        if missing:
            with calling("TagResource", key.alias):
                client.tag_resource(
                    KeyId=state.key_id,
                    Tags=[{"TagKey": name, "TagValue": value} for name, value in sorted(missing.items())],
                )
            done.append("tags")
        return done

    def _name(self, key: KeySpec, key_id: str, *, ours: bool) -> None:
        client = self._context.account.client("kms")
        try:
            with calling("CreateAlias", key.alias):
                client.create_alias(AliasName=key.alias, TargetKeyId=key_id)
        except AwsError as error:
            if error.code != "AlreadyExistsException":
                raise
            # Another run may have found our key by its tag, and made the alias for it.
            taken_by = find_key(client, key.alias)
            if ours and taken_by is not None and taken_by.rsplit("/", 1)[-1] != key_id:
                with calling("ScheduleKeyDeletion", key_id):
                    client.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=_UNUSED_WINDOW_IN_DAYS)
            taken = SkippedError(f"{key.alias} exists after all: the next run compares it")
        else:
            self._context.inventory.note_alias(key.alias, key_id)
            return
        raise taken

    def _rotate(self, key_id: str, key: KeySpec) -> None:
        period = {"RotationPeriodInDays": key.rotation_period_in_days} if key.rotation_period_in_days else {}
        with calling("EnableKeyRotation", key.alias):
            self._context.account.client("kms").enable_key_rotation(KeyId=key_id, **period)
