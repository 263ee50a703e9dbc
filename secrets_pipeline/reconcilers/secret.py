"""Secrets: name, description, KMS key, tags, and the value at creation.

Creates, restores, adopts and updates; a value that exists is never regenerated. Values that wait for a database are
written by `connection`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws import AwsError, calling
from secrets_pipeline.engine import Change, ChangeClass, Resource, SkippedError, planned
from secrets_pipeline.reconcilers import desired
from secrets_pipeline.reconcilers.initial_value import initial_value
from secrets_pipeline.reconcilers.marks import COMPONENT, INPUTS, KEY, PARTS, SPEC, STACK, VALUE_KEY, VALUE_VERSION
from secrets_pipeline.reconcilers.ownership import Claim, claim
from secrets_pipeline.reconcilers.secret_differences import (
    changed_outside,
    changes_value,
    differences,
    key_id,
    surplus_tags,
    under_another_key,
    value_differences,
)
from secrets_pipeline.reconcilers.states import CURRENT, SecretState, tag_list
from secrets_pipeline.reconcilers.value_inputs import declared_inputs
from secrets_pipeline.reconcilers.value_writer import ValueWriter
from secrets_pipeline.references import Pending
from secrets_pipeline.spec import DeclaredValue, SecretSpec
from secrets_pipeline.values import render

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

KIND = "secret"
_EXISTS = frozenset({"ResourceExistsException", "InvalidRequestException"})
"""What CreateSecret answers where the name is taken; the second one, where it is scheduled for deletion."""
_DEFAULT_KEY = "alias/aws/secretsmanager"


class SecretReconciler:
    """Secrets of one stack.

    Args:
        context: the stack.
        connections: False for the secrets that need no endpoint, True for those that do.
        rewritten: names of secrets whose value is about to change; what is rendered from them changes too.
    """

    def __init__(self, context: StackContext, *, connections: bool = False, rewritten: Collection[str] = ()) -> None:
        self._context = context
        self._connections = connections
        self._rewritten = frozenset(rewritten)
        self._secrets = {s.name: s for s in context.spec.secrets if waits_for_endpoint(s) is connections}

    def plan(self) -> Sequence[Change]:
        """One change a declared secret, then the orphans (once, with the secrets that need no endpoint)."""
        declared: list[Change] = []
        rewritten = set(self._rewritten)
        for secret in self._secrets.values():
            resource = Resource(KIND, secret.name, secret.ref.component, secret.ref.key)
            change = planned(resource, partial(self._plan, secret, frozenset(rewritten)))
            declared.append(change)
            if any(changes_value(reason) for reason in change.reasons):
                rewritten.add(secret.name)
        replicas = [change for secret in self._secrets.values() for change in _replicas(secret)]
        return [*declared, *replicas, *([] if self._connections else self._orphans())]

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        name = change.resource.name
        if change.action is ChangeClass.PRUNE:
            return self._prune(name)
        secret = self._secrets[name]
        if change.action is ChangeClass.CREATE:
            return self._create(secret)
        state = self._context.inventory.confirm(name)
        if state is None:
            return self._create(secret)
        # The list only nominated it: what DescribeSecret shows may belong to somebody else.
        action, why = self._claim(state, secret)
        if action is ChangeClass.BLOCKED:
            raise SkippedError(why)
        if state.deleted_at is not None:
            state = self._restore(state)
        done = ["restored"] if change.action is ChangeClass.RESTORE else []
        return ", ".join([*done, *self._update(state, secret)]) or "nothing differed any more"

    def open_parts(self, secret: SecretSpec) -> Sequence[str]:
        """How an existing secret still differs from the stack."""
        state = self._context.inventory.secret(secret.name)
        return ["the secret itself"] if state is None else differences(self._context, state, secret)

    def rewriting(self) -> frozenset[str]:
        """Names of the secrets whose value is about to change."""
        return frozenset(c.resource.name for c in self.plan() if any(changes_value(reason) for reason in c.reasons))

    def _plan(self, secret: SecretSpec, rewritten: Collection[str] = ()) -> Change:
        context = self._context
        resource = Resource(KIND, secret.name, secret.ref.component, secret.ref.key)
        if secret.blocked:
            return Change(resource, ChangeClass.BLOCKED, tuple(one.problem for one in secret.unresolved))
        needs = tuple(context.spec.secret(ref).name for ref in secret.depends_on)
        state = context.inventory.secret(secret.name)
        action, why = self._claim(state, secret)
        if state is None or action is ChangeClass.BLOCKED:
            return Change(resource, action, (why,) if action is ChangeClass.BLOCKED else (), depends_on=needs)
        reasons = differences(context, state, secret)
        if not any(changes_value(reason) for reason in reasons):
            sources = (need for need in needs if need in rewritten)
            reasons += tuple(f"value is rendered from {source}, which changes" for source in sources)
        if action is not ChangeClass.NONE:
            return Change(resource, action, (why, *reasons), depends_on=needs)
        drift = False
        if desired.finished(context, state, secret):
            drift, reasons = changed_outside(reasons)
        action = ChangeClass.UPDATE if reasons else ChangeClass.NONE
        return Change(resource, action, reasons, drift=drift, depends_on=needs)

    def _claim(self, state: SecretState | None, secret: SecretSpec) -> Claim:
        mark = self._context.marks.verify(state) if state else None
        return claim(state, mark, self._context.owner(secret), adopt=self._context.options.adopt)

    def _orphans(self) -> list[Change]:
        context = self._context
        # A secret that moved to another stack is that stack's to take over, not ours to delete.
        declared = context.world.names_in(context.spec.target)
        changes = []
        for state in context.inventory.secrets().values():
            if state.name in declared or state.deleted_at is not None:
                continue
            owner = context.marks.verify(state).owner
            if owner is None or not context.owns(state):
                continue
            resource = Resource(KIND, state.name, owner.component, owner.key)
            reason = "is not in the stack any more: `apply --prune` deletes it"
            action = ChangeClass.PRUNE if context.options.prune else ChangeClass.ORPHAN
            if context.options.prune and not context.world.complete:
                # A stack that cannot be read may declare it.
                action, reason = ChangeClass.BLOCKED, "is not pruned while stacks of the repository have errors"
            changes.append(Change(resource, action, (reason,)))
        return changes

    def _create(self, secret: SecretSpec) -> str:
        context, client = self._context, self._context.account.client("secretsmanager")
        key = desired.kms_key(context, secret)
        if isinstance(key, Pending):
            raise SkippedError(key.reason)
        initial = initial_value(context, secret)
        if isinstance(initial, Pending):
            raise SkippedError(initial.reason)
        owner = context.owner(secret)
        tags = {
            **desired.tags(context, secret),
            SPEC: context.marks.provisional(secret.name, owner),
            PARTS: desired.parts(context, secret),
            VALUE_KEY: key_id(context, key),
            **({INPUTS: initial.inputs} if initial.inputs else {}),
        }
        request: dict[str, Any] = {"Description": secret.description} if secret.description else {}
        if key is not None:
            request["KmsKeyId"] = key
        # A used token succeeds: only a request that is the same in all its parts may be taken for a try of this one.
        whole = json.dumps([initial.intent, tags, request], sort_keys=True)
        token = ValueWriter(context).token(secret.name, None, whole, initial.value)
        tags[VALUE_VERSION] = token
        try:
            with calling("CreateSecret", secret.name):
                answer = client.create_secret(
                    Name=secret.name,
                    ClientRequestToken=token,
                    SecretString=initial.value.get_secret_value(),
                    Tags=tag_list(tags),
                    **request,
                )
        except AwsError as error:
            if error.code not in _EXISTS or context.inventory.refresh(secret.name) is None:
                raise
            return self._exists_after_all(secret)
        context.inventory.note(
            SecretState(
                name=secret.name,
                arn=answer["ARN"],
                description=secret.description,
                kms_key_id=key,
                tags=tags,
                versions={answer.get("VersionId", token): (CURRENT,)},
                policy=None,
                confirmed=True,
            )
        )
        return initial.described

    def _exists_after_all(self, secret: SecretSpec) -> str:
        # The list was stale, or an earlier try got through: plan again on what DescribeSecret said.
        change = self._plan(secret)
        if change.action is ChangeClass.BLOCKED:
            raise SkippedError(change.reason)
        return self.apply(change) if change.action.writes else "existed already"

    def _restore(self, state: SecretState) -> SecretState:
        with calling("RestoreSecret", state.name):
            self._context.account.client("secretsmanager").restore_secret(SecretId=state.arn)
        return self._refreshed(state)

    def _refreshed(self, state: SecretState) -> SecretState:
        return self._context.inventory.refresh(state.name) or state

    def _update(self, state: SecretState, secret: SecretSpec) -> list[str]:
        """Change what differs, each thing by itself; a value only if missing, declared, or under another key."""
        context, client = self._context, self._context.account.client("secretsmanager")
        key = desired.kms_key(context, secret)
        if isinstance(key, Pending):
            raise SkippedError(key.reason)
        moved = key_id(context, state.kms_key_id) != key_id(context, key)
        done = self._retag(state, secret, moved=moved)
        if state.description != secret.description:
            with calling("UpdateSecret", state.name):
                client.update_secret(SecretId=state.arn, Description=secret.description)
            done.append("description")
        if moved:
            with calling("UpdateSecret", state.name):
                client.update_secret(SecretId=state.arn, KmsKeyId=key or _DEFAULT_KEY)
            done.append("kms key")
        if done:
            state = self._refreshed(state)
        writer = ValueWriter(context)
        if value_differences(context, state, secret):
            done.append(self._write(writer, secret))
            state = context.inventory.secret(state.name) or state
        if state.current_version is not None and under_another_key(context, state):
            # Versions stay under the old key until a new one is written.
            writer.rewrite(state.name, reason=f"kms key {key}")
            done.append("same value under the new key")
        return done

    def _write(self, writer: ValueWriter, secret: SecretSpec) -> str:
        if isinstance(secret.value, DeclaredValue):
            inputs = declared_inputs(self._context, secret)
            if isinstance(inputs, Pending):
                raise SkippedError(inputs.reason)
            declared, leaves = secret.value, self._context.leaves(secret)
            writer.write(
                secret.name, intent=inputs, inputs=inputs, make=lambda current: render(declared, leaves, current)
            )
            return "value"
        first = initial_value(self._context, secret)
        if isinstance(first, Pending):
            raise SkippedError(first.reason)
        value = first.value
        writer.write(secret.name, intent=first.intent, inputs=first.inputs, make=lambda _current: value)
        return first.described

    def _retag(self, state: SecretState, secret: SecretSpec, *, moved: bool) -> list[str]:
        wanted = desired.tags(self._context, secret)
        client = self._context.account.client("secretsmanager")
        changed = {key: value for key, value in wanted.items() if state.tags.get(key) != value}
        if any(key in changed for key in (STACK, COMPONENT, KEY)):
            # The old mark speaks of the old owner: prove the new one in the same call.
            changed[SPEC] = self._context.marks.provisional(state.name, self._context.owner(secret))
        if moved and VALUE_KEY not in state.tags:
            changed[VALUE_KEY] = key_id(self._context, state.kms_key_id)
        surplus = surplus_tags(state.tags, wanted)
        if changed:
            with calling("TagResource", state.name):
                client.tag_resource(SecretId=state.arn, Tags=tag_list(changed))
        if surplus:
            with calling("UntagResource", state.name):
                client.untag_resource(SecretId=state.arn, TagKeys=surplus)
        return ["tags"] if changed or surplus else []

    def _prune(self, name: str) -> str:
        state = self._context.inventory.refresh(name)
        if state is None or state.deleted_at is not None:
            return "was gone already"
        if not self._context.owns(state):
            raise SkippedError(f"{name} does not belong to this stack any more")
        with calling("DeleteSecret", name):
            self._context.account.client("secretsmanager").delete_secret(SecretId=state.arn, RecoveryWindowInDays=30)
        self._context.inventory.refresh(name)
        return "scheduled for deletion in 30 days"


def _replicas(secret: SecretSpec) -> list[Change]:
    """Replicas are declared and not made yet: that is said, not passed over."""
    reason = "the pipeline does not replicate yet: replicate it with Terraform until it does"
    names = (f"{secret.name} in {replica.region}" for replica in secret.replicas)
    return [
        Change(Resource("replica", name, secret.ref.component, secret.ref.key), ChangeClass.BLOCKED, (reason,))
        for name in names
    ]


def waits_for_endpoint(secret: SecretSpec) -> bool:
    """Whether the whole secret is made with the connections: its declared value waits for a database."""
    return isinstance(secret.value, DeclaredValue) and secret.needs_endpoint
