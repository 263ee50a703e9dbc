"""Keep a value over a rename: a new secret begins with the value that the one of its previous name holds.

Secrets Manager cannot rename, so the value is read once, inside the call that creates the new secret; the old secret is
an orphan afterwards. What rotates it is stopped before the value is read: a password that a function set later would be
in the old secret alone.
Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.boundary import ContestedKind
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.engine.reason import Because, NotOurs, Reason, Remark
from secrets_pipeline.errors import DocumentError
from secrets_pipeline.reconcilers.apply_options import adoption
from secrets_pipeline.reconcilers.marks.secret_mark import MarkState
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.secret_value.fields import kept_as_declared
from secrets_pipeline.reconcilers.secret_value.read import read_content
from secrets_pipeline.reconcilers.secret_value.rotation_end import after_rotation
from secrets_pipeline.references.resolve import Pending
from secrets_pipeline.values.content import Content, text_of
from secrets_pipeline.values.documents import field, merge_document

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


@dataclass(frozen=True, slots=True)
class PreviousValue:
    """The value under the previous name.

    Attributes:
        state: the secret that holds it.
        content: the value itself.
        source: ARN and version that it was read from: part of the new version's token.
        ours: whether this project wrote that version, and may count the copy as its own.
    """

    state: SecretState
    content: Content
    source: str
    ours: bool


def previous_secret(stack: Stack, secret: SecretSpec) -> SecretState | None:
    """Find the secret that a value is to be taken from, by DescribeSecret where no list shows it; None for none."""
    name = secret.previous_name
    if not name or name == secret.name:
        return None
    return stack.observed.secrets.get(name) or stack.observed.secrets.confirm(name)


def not_taken(stack: Stack, old: SecretState) -> Reason | None:
    """Say why the value of the secret of the previous name is not taken; None where it is."""
    without = "or take previous_name out, for a new value"
    if old.deleted_at is not None:
        restore = f"aws secretsmanager restore-secret --region {stack.account.region} --secret-id {old.name}"
        return Because(f"{old.name}, its previous name, is scheduled for deletion", f"{restore}, {without}")
    if not stack.ownership.owns(old) and not _is_handed_over(stack, old):
        take = adoption(stack.spec.stack, old.name)
        return NotOurs(f"{old.name}, its previous name, is not this stack's", f"{take} takes its value, {without}")
    return None


def takes_value(stack: Stack, secret: SecretSpec) -> bool:
    """Whether a new secret begins with the value of the one of its previous name, or waits for it."""
    old = previous_secret(stack, secret)
    return old is not None and (not_taken(stack, old) is not None or old.current_version is not None)


def previous_value(stack: Stack, secret: SecretSpec) -> PreviousValue | Pending | None:
    """Stop the rotation of the old secret and read its value; None where there is no value to take.

    Raises:
        SkippedError: while a rotation of it goes on.
        AwsError: if AWS refuses.
    """
    if (found := previous_secret(stack, secret)) is None:
        return None
    old = stack.observed.secrets.refresh(found.name)
    if old is None:
        return None
    if (refused := not_taken(stack, old)) is not None:
        return Pending(str(refused))
    old = after_rotation(stack, old)
    if old.rotation_enabled:
        if not stack.ownership.owns(old):
            return Pending(f"{old.name}, its previous name, rotates: whoever owns it has to cancel that first")
        with calling("CancelRotateSecret", old.name):
            stack.account.client("secretsmanager").cancel_rotate_secret(SecretId=old.arn)
        old = after_rotation(stack, stack.observed.secrets.refresh(old.name) or old)
    if old.current_version is None:
        return None
    content = read_content(stack, old, version=old.current_version, handed_over=_is_handed_over(stack, old))
    ours = stack.ownership.owns(old) and stack.ownership.marks.wrote(old, old.current_version)
    return PreviousValue(old, content, f"{old.arn} {old.current_version}", ours)


def renamed(secret: SecretSpec, content: Content, fields: dict[str, str | int | bool]) -> Content:
    """Make the new secret's value of a generated one, or one that somebody else brought: the password stays.

    Args:
        secret: the new one.
        content: the old value.
        fields: keys beside the password that the stack declares and that are known.

    Raises:
        DocumentError: if the old value is binary or no JSON object, and fields are declared.
    """
    if not isinstance(secret.value, GeneratedValue) or not secret.value.fields:
        return content
    text = text_of(content, "the value under the previous name")
    own = kept_as_declared(secret, fields)
    for name in fields.keys() - own.keys():
        with contextlib.suppress(DocumentError):
            field(text, (name,))
            continue
        own[name] = fields[name]
    return merge_document(text, own)


def rename_reason(stack: Stack, secret: SecretSpec) -> Reason | None:
    """Say of a secret that is to be made what becomes of the value under another name; None if there is none."""
    if secret.previous_name and secret.previous_name != secret.name:
        old = previous_secret(stack, secret)
        if old is None:
            return Remark(f"{secret.previous_name}, its previous name, does not exist: the value is new")
        return not_taken(stack, old) or Remark(f"keeps the value of {old.name}")
    old = _likely_previous(stack, secret)
    if old is None or not (secret.external or isinstance(secret.value, GeneratedValue)):
        return None
    what = "has no value" if secret.external else "gets a new password"
    return Remark(f"{what}, though {old.name} holds one", f"previous_name: {old.name} keeps it, if this is a rename")


def _likely_previous(stack: Stack, secret: SecretSpec) -> SecretState | None:
    """The one secret of ours that no stack declares any more and that had the same key."""
    declared = stack.ownership.repository.index
    marks, alike = stack.ownership.marks, []
    for state in stack.observed.secrets.all().values():
        has_value = state.deleted_at is None and state.current_version is not None
        left = has_value and not declared.stack_with(ContestedKind.SECRET, state.name, stack.spec.target)
        owner = marks.verify(state).owner if left and stack.ownership.owns(state) else None
        if owner is not None and owner.key == secret.ref.key:
            alike.append((owner.component == secret.ref.component, state))
    same = [state for here, state in alike if here] or [state for _, state in alike]
    return same[0] if len(same) == 1 else None


def _is_handed_over(stack: Stack, old: SecretState) -> bool:
    """Whether the operator names a secret without our marks as one whose value may be taken.

    By its whole name: a glob names what stacks may declare, and whoever writes YAML chooses a previous name freely.
    """
    unmarked = stack.ownership.marks.verify(old).state is MarkState.UNMARKED
    return unmarked and not old.owning_service and not old.is_replica and old.name in stack.run.options.adopt
