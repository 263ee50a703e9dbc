"""Write one secret: CreateSecret, RestoreSecret, or a call for each thing of it that differs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.marks.secret_mark import MarkState, Part
from secrets_pipeline.reconcilers.needed import skipped
from secrets_pipeline.reconcilers.observed.secret_state import CURRENT, SecretState
from secrets_pipeline.reconcilers.observed.tags import tag_list
from secrets_pipeline.reconcilers.secret.adoption import parts_left
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret
from secrets_pipeline.reconcilers.secret.tags import declared_keys_tag, left_tags
from secrets_pipeline.reconcilers.secret_value.encryption import key_id, under_another_key
from secrets_pipeline.reconcilers.secret_value.initial import initial_value
from secrets_pipeline.reconcilers.secret_value.inputs import declared_inputs
from secrets_pipeline.reconcilers.secret_value.plan import value_differences
from secrets_pipeline.reconcilers.secret_value.provenance import inputs_tag, is_rendered_from
from secrets_pipeline.reconcilers.secret_value.rekey import rekey
from secrets_pipeline.reconcilers.secret_value.write import ValueWriter
from secrets_pipeline.reconcilers.tag_keys import (
    COMPONENT,
    INPUTS,
    KEPT,
    KEY,
    REPLICAS,
    REPOSITORY,
    SPEC,
    STACK,
    VALUE_KEY,
    VALUE_VERSION,
)
from secrets_pipeline.references.resolve import Pending
from secrets_pipeline.values.bundle import GeneratedPasswords
from secrets_pipeline.values.content import as_parameters
from secrets_pipeline.values.render import render

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_EXISTS = frozenset({"ResourceExistsException", "InvalidRequestException"})
"""What CreateSecret answers where the name is taken; the second one, where it is scheduled for deletion."""


@dataclass(frozen=True, slots=True)
class NameTaken:
    """CreateSecret was refused as the name exists: the list was stale, and the inventory knows better now."""


class SecretWriter:
    """Writes to secrets of one stack; who calls has confirmed that they are ours, or to be adopted.

    Args:
        stack: the stack.
        passwords: generated values, for secrets that have none yet.
    """

    def __init__(self, stack: Stack, passwords: GeneratedPasswords) -> None:
        self._stack = stack
        self._passwords = passwords
        self._client = stack.account.client("secretsmanager")
        self._writer = ValueWriter(stack)

    def create(self, secret: DesiredSecret) -> str | NameTaken:
        """Create a secret by one CreateSecret, with its first value, or without one that somebody else brings.

        Returns:
            What the value is, for a human.

        Raises:
            SkippedError: if the key or the value is not known yet.
            AwsError: if AWS refuses.
        """
        stack = self._stack
        key = secret.kms_key
        if isinstance(key, Pending):
            raise skipped(key)
        initial = initial_value(stack, secret.spec, self._passwords)
        if isinstance(initial, Pending):
            raise skipped(initial)
        owner = stack.ownership.owner(secret.spec)
        tags = dict(secret.tags)
        described = secret.spec.description or ""
        request: dict[str, Any] = {"Description": described} if described else {}
        if key is not None:
            request["KmsKeyId"] = key
        now, token = stack.run.now(), None
        if initial.value is not None:
            tags |= {VALUE_KEY: key_id(stack, key), **initial.tags}
            # A used token succeeds: only a request that is the same in all its parts may be a try of this one.
            asked = [initial.intent, initial.inputs, secret.intent(), tags, request]
            token = self._writer.token(secret.name, None, json.dumps(asked, sort_keys=True), initial.value)
            if initial.ours:
                tags[VALUE_VERSION] = stack.ownership.marks.version(secret.name, token)
            tags |= {INPUTS: inputs_tag(initial.inputs, token)} if initial.inputs else {}
            request |= {"ClientRequestToken": token, **as_parameters(initial.value)}
        tags |= declared_keys_tag(stack, secret.spec, {})
        tags[SPEC] = stack.ownership.marks.created(secret.name, owner, stack.run.id, now)
        try:
            with calling("CreateSecret", secret.name):
                answer = self._client.create_secret(Name=secret.name, Tags=tag_list(tags), **request)
        except AwsError as error:
            if error.code not in _EXISTS or stack.observed.secrets.refresh(secret.name) is None:
                raise
            return NameTaken()
        stack.observed.secrets.made.add(secret.name)
        stack.observed.secrets.note(
            SecretState(
                name=secret.name,
                arn=answer["ARN"],
                description=described,
                kms_key_id=key,
                tags=tags,
                versions={answer.get("VersionId", token): (CURRENT,)} if token else {},
                created_at=now,
                replicas={},
                policy=None,
                confirmed=True,
            )
        )
        return initial.described

    def restore(self, state: SecretState) -> SecretState:
        """Call RestoreSecret for a secret that is scheduled for deletion."""
        with calling("RestoreSecret", state.name):
            self._client.restore_secret(SecretId=state.arn)
        return self._refreshed(state)

    def update(self, state: SecretState, secret: DesiredSecret) -> list[str]:
        """Change what differs, each thing by its own call; a value only if missing, declared, or under another key.

        Returns:
            What was done, for a human.

        Raises:
            SkippedError: if something is not known yet, a rotation is in progress, or it is not ours any more.
            AwsError: if AWS refuses.
        """
        stack = self._stack
        key, description = secret.kms_key_of(state), secret.description(state)
        if isinstance(key, Pending):
            raise skipped(key)
        moved = key_id(stack, state.kms_key_id) != key_id(stack, key)
        done = self._retag(state, secret, moved=moved)
        if state.description != description:
            with calling("UpdateSecret", state.name):
                self._client.update_secret(SecretId=state.arn, Description=description)
            done.append("description")
        if done:
            state = self._own(state)
        if moved:
            rekey(stack, state, key, external=secret.spec.external)
            done.append("kms key")
            state = self._own(state)
        elif state.current_version is not None and under_another_key(stack, state) and not secret.spec.external:
            # Before a new value: that one would leave the replaced version, AWSPREVIOUS, under the old key.
            self._writer.rewrite(state.name)
            done.append("same value under the new key")
            state = self._own(state)
        if value_differences(stack, state, secret.spec) and (written := self._write(state, secret)):
            done.append(written)
        return done

    def _refreshed(self, state: SecretState) -> SecretState:
        return self._stack.observed.secrets.refresh(state.name) or state

    def _own(self, state: SecretState) -> SecretState:
        """The secret after a change of ours; whoever took it over meanwhile keeps it as it is."""
        seen = self._refreshed(state)
        if seen is not state and not self._stack.ownership.owns(seen):
            raise SkippedError(f"secret {seen.name} is not ours any more")
        return seen

    def _write(self, state: SecretState, secret: DesiredSecret) -> str:
        if isinstance(secret.spec.value, DeclaredValue):
            inputs = declared_inputs(self._stack, secret.spec, confirmed=True)
            if isinstance(inputs, Pending):
                raise skipped(inputs)
            if state.current_version is not None and is_rendered_from(state, inputs):
                # Only the list of what it is rendered from was old.
                return ""
            declared, leaves = secret.spec.value, self._stack.resolve.leaves(secret.spec)
            version = self._writer.write(
                secret.name,
                intent=inputs,
                inputs=inputs,
                make=lambda current: render(declared, leaves, current),
                done=lambda state: is_rendered_from(state, inputs),
            )
            return "value" if version != state.current_version else ""
        first = initial_value(self._stack, secret.spec, self._passwords)
        if isinstance(first, Pending):
            raise skipped(first)
        value = first.value
        if value is None:
            return ""
        self._writer.write(
            secret.name,
            intent=first.intent,
            inputs=first.inputs,
            make=lambda _current: value,
            inherits=not first.ours,
            # Whoever gave it a value meanwhile keeps that.
            done=lambda state: state.current_version != self._writer.token(state.arn, None, first.intent),
        )
        return first.described

    def _retag(self, state: SecretState, secret: DesiredSecret, *, moved: bool) -> list[str]:
        wanted = secret.tags
        changed = {key: value for key, value in wanted.items() if state.tags.get(key) != value}
        if any(key in changed for key in (STACK, REPOSITORY, COMPONENT, KEY)):
            # The old mark speaks of the old owner: prove the new one in the same call.
            changed[SPEC] = self._own_mark(state, secret)
        if self._stack.ownership.marks.verify(state).state is MarkState.UNMARKED:
            # What we said of it when it was ours, if it ever was, is no more true.
            changed |= {tag: "" for tag in (VALUE_VERSION, REPLICAS, KEPT) if tag in state.tags}
            if kept := parts_left(self._stack, state, secret):
                changed[KEPT] = self._stack.ownership.marks.words(KEPT, state.arn, (part.word for part in kept))
        under = key_id(self._stack, state.kms_key_id)
        if moved and not secret.spec.external and state.tags.get(VALUE_KEY) != under:
            # Said before the move, so that a crash behind it does not leave the value there.
            changed[VALUE_KEY] = under
        left = left_tags(self._stack, state, secret)
        if left:
            with calling("UntagResource", state.name):
                self._client.untag_resource(SecretId=state.arn, TagKeys=left)
        if changed:
            changed |= declared_keys_tag(self._stack, secret.spec, state.tags)
            with calling("TagResource", state.name):
                self._client.tag_resource(SecretId=state.arn, Tags=tag_list(changed))
        return ["tags"] if changed or left else []

    def _own_mark(self, state: SecretState, secret: DesiredSecret) -> str:
        """The mark of the new owner: it vouches for what the old one vouched for, but the tags."""
        marks, run, owner = self._stack.ownership.marks, self._stack.run.id, self._stack.ownership.owner(secret.spec)
        commit = marks.verify(state).commit
        if commit is None:
            return marks.provisional(state.arn, owner, run)
        return marks.finished(state.arn, owner, commit.opened(Part.TAGS, run))
