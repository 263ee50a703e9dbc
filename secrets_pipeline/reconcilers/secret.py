"""Secrets: name, description, KMS key, tags, and the value at creation.

Creates, restores, adopts and updates; a value that exists is never regenerated. Values that wait for a database are
written by `connection`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws import AwsError, calling
from secrets_pipeline.engine import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.reconcilers import desired
from secrets_pipeline.reconcilers.initial_value import initial_value
from secrets_pipeline.reconcilers.marks import COMPONENT, INPUTS, KEY, PREFIX, SPEC, STACK, VALUE_VERSION
from secrets_pipeline.reconcilers.ownership import claim
from secrets_pipeline.reconcilers.states import CURRENT, SecretState, tag_list
from secrets_pipeline.reconcilers.value_inputs import declared_inputs
from secrets_pipeline.reconcilers.value_writer import ValueWriter
from secrets_pipeline.references import Pending
from secrets_pipeline.spec import DeclaredValue, SecretSpec
from secrets_pipeline.values import render

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

KIND = "secret"
_VALUE = ("value", "kms key")


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
            change = self._plan(secret, rewritten)
            declared.append(change)
            if any(reason.startswith(_VALUE) for reason in change.reasons):
                rewritten.add(secret.name)
        return [*declared, *([] if self._connections else self._orphans())]

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
        if state.deleted_at is not None:
            state = self._restore(state)
        done = ["restored"] if change.action is ChangeClass.RESTORE else []
        return ", ".join([*done, *self._update(state, secret)]) or "nothing differed any more"

    def open_parts(self, secret: SecretSpec) -> Sequence[str]:
        """How an existing secret still differs from the stack."""
        state = self._context.inventory.secret(secret.name)
        return ["the secret itself"] if state is None else self._differences(state, secret)

    def _plan(self, secret: SecretSpec, rewritten: Collection[str] = ()) -> Change:
        context = self._context
        resource = Resource(KIND, secret.name, secret.ref.component, secret.ref.key)
        needs = tuple(context.spec.secret(ref).name for ref in secret.depends_on)
        state = context.inventory.secret(secret.name)
        mark = context.marks.verify(state) if state else None
        action, why = claim(state, mark, context.owner(secret), adopt=context.options.adopt)
        if state is None or action is ChangeClass.BLOCKED:
            return Change(resource, action, (why,) if action is ChangeClass.BLOCKED else (), depends_on=needs)
        reasons = self._differences(state, secret)
        if action is not ChangeClass.NONE:
            return Change(resource, action, (why, *reasons), depends_on=needs)
        if not reasons:
            sources = [need for need in needs if need in rewritten]
            action = ChangeClass.UPDATE if sources else ChangeClass.NONE
            said = tuple(f"value is rendered from {source}, which changes" for source in sources)
            return Change(resource, action, said, depends_on=needs)
        drift = mark is not None and mark.digest == desired.digest(context, secret)
        said = tuple(f"changed outside: {reason}" for reason in reasons) if drift else reasons
        return Change(resource, ChangeClass.UPDATE, said, drift=drift, depends_on=needs)

    def _differences(self, state: SecretState, secret: SecretSpec) -> tuple[str, ...]:
        reasons = []
        if state.description != secret.description:
            reasons.append(f"description differs: {state.description!r} → {secret.description!r}")
        key = desired.kms_key(self._context, secret)
        if isinstance(key, Pending):
            reasons.append(key.reason)
        elif not self._same_key(state.kms_key_id, key):
            reasons.append(f"kms key differs: {state.kms_key_id or 'default'} → {key or 'default'}")
        reasons.extend(_tag_differences(state.tags, desired.tags(self._context, secret)))
        reasons.extend(self._value_differences(state, secret))
        return tuple(reasons)

    def _value_differences(self, state: SecretState, secret: SecretSpec) -> list[str]:
        if state.current_version is None:
            return ["value is missing"]
        if isinstance(secret.value, DeclaredValue):
            inputs = declared_inputs(self._context, secret)
            if isinstance(inputs, Pending):
                return [f"value waits: {inputs.reason}"]
            if state.tags.get(INPUTS) != inputs:
                return ["value is rendered from other inputs"]
        return []

    def _same_key(self, observed: str | None, wanted: str | None) -> bool:
        ids = self._context.inventory.key_id
        return (ids(observed) if observed else None) == (ids(wanted) if wanted else None)

    def _orphans(self) -> list[Change]:
        context = self._context
        declared = {secret.name for secret in context.spec.secrets}
        changes = []
        for state in context.inventory.secrets().values():
            if state.name in declared or state.deleted_at is not None:
                continue
            mark = context.marks.verify(state)
            if not mark.ours or mark.owner is None or mark.owner.stack != context.spec.stack:
                continue
            resource = Resource(KIND, state.name, mark.owner.component, mark.owner.key)
            action = ChangeClass.PRUNE if context.options.prune else ChangeClass.ORPHAN
            changes.append(Change(resource, action, ("is not in the stack any more: `apply --prune` deletes it",)))
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
        token = ValueWriter(context).token(secret.name, None, initial.intent)
        tags = {
            **desired.tags(context, secret),
            SPEC: context.marks.provisional(secret.name, owner),
            VALUE_VERSION: token,
            **({INPUTS: initial.inputs} if initial.inputs else {}),
        }
        request: dict[str, Any] = {"Description": secret.description} if secret.description else {}
        if key is not None:
            request["KmsKeyId"] = key
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
            if error.code == "ResourceExistsException":
                return self._exists_after_all(secret)
            raise
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
        # The list was stale, or an earlier try got through: plan again on what DescribeSecret says.
        self._context.inventory.refresh(secret.name)
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
        """Change what differs, each thing by itself; a value only where it is missing or declared."""
        done = []
        client, inventory = self._context.account.client("secretsmanager"), self._context.inventory
        if state.description != secret.description:
            with calling("UpdateSecret", state.name):
                client.update_secret(SecretId=state.arn, Description=secret.description)
            done.append("description")
        key = desired.kms_key(self._context, secret)
        if isinstance(key, Pending):
            raise SkippedError(key.reason)
        moved = not self._same_key(state.kms_key_id, key)
        if moved:
            with calling("UpdateSecret", state.name):
                client.update_secret(SecretId=state.arn, KmsKeyId=key or "alias/aws/secretsmanager")
            done.append("kms key")
        done.extend(self._retag(state, secret))
        if done:
            state = self._refreshed(state)
        writer = ValueWriter(self._context)
        if moved and state.current_version is not None:
            # Versions stay under the old key until a new one is written.
            writer.rewrite(state.name, reason=f"kms key {key}")
            done.append("same value under the new key")
        if self._value_differences(inventory.secret(state.name) or state, secret):
            done.append(self._write(writer, secret))
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

    def _retag(self, state: SecretState, secret: SecretSpec) -> list[str]:
        wanted = desired.tags(self._context, secret)
        client = self._context.account.client("secretsmanager")
        changed = {key: value for key, value in wanted.items() if state.tags.get(key) != value}
        if any(key in changed for key in (STACK, COMPONENT, KEY)):
            # The old mark speaks of the old owner: prove the new one in the same call.
            changed[SPEC] = self._context.marks.provisional(state.name, self._context.owner(secret))
        surplus = [key for key in state.tags if key not in wanted and not key.startswith(("aws:", PREFIX))]
        if changed:
            with calling("TagResource", state.name):
                client.tag_resource(SecretId=state.arn, Tags=tag_list(changed))
        if surplus:
            with calling("UntagResource", state.name):
                client.untag_resource(SecretId=state.arn, TagKeys=sorted(surplus))
        return ["tags"] if changed or surplus else []

    def _prune(self, name: str) -> str:
        state = self._context.inventory.refresh(name)
        if state is None or state.deleted_at is not None:
            return "was gone already"
        if not self._context.marks.verify(state).ours:
            raise SkippedError(f"the mark of {name} does not verify any more")
        with calling("DeleteSecret", name):
            self._context.account.client("secretsmanager").delete_secret(SecretId=state.arn, RecoveryWindowInDays=30)
        self._context.inventory.refresh(name)
        return "scheduled for deletion in 30 days"


def waits_for_endpoint(secret: SecretSpec) -> bool:
    """Whether the whole secret is made with the connections: its declared value waits for a database."""
    return isinstance(secret.value, DeclaredValue) and secret.needs_endpoint


def _tag_differences(observed: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    reasons = []
    for key, value in wanted.items():
        if key not in observed:
            reasons.append(f"tag {key} is missing")
        elif observed[key] != value:
            reasons.append(f"tag {key} differs: {observed[key]!r} → {value!r}")
    reasons.extend(
        f"tag {key} is not declared" for key in observed if key not in wanted and not key.startswith(("aws:", PREFIX))
    )
    return reasons
