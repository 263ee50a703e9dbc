"""Render or take the value that a secret is created with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import SecretStr

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import DeclaredValue, ExternalValue, GeneratedValue
from secrets_pipeline.reconcilers.secret_value.external import put_command
from secrets_pipeline.reconcilers.secret_value.fields import known_fields
from secrets_pipeline.reconcilers.secret_value.generated_rule import generated_tag
from secrets_pipeline.reconcilers.secret_value.inputs import declared_inputs, field_inputs
from secrets_pipeline.reconcilers.secret_value.previous import PreviousValue, previous_value, renamed
from secrets_pipeline.reconcilers.secret_value.provenance import is_rendered_from
from secrets_pipeline.reconcilers.tag_keys import GENERATED
from secrets_pipeline.references.resolve import Pending
from secrets_pipeline.values.bundle import GeneratedPasswords
from secrets_pipeline.values.content import Content
from secrets_pipeline.values.documents import merge_document
from secrets_pipeline.values.render import render

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


@dataclass(frozen=True, slots=True)
class InitialValue:
    """A first value.

    Attributes:
        value: None where somebody else brings it.
        intent: goes into the version's token.
        inputs: becomes the `:inputs` tag; None while a field is still missing.
        described: what it is, for a human.
        ours: whether this project made it, and may write over it later as its own.
        tags: what else is said of it; see `generated_rule`.
    """

    value: Content | None
    intent: str
    inputs: str | None
    described: str
    ours: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)


def initial_value(stack: Stack, secret: SecretSpec, passwords: GeneratedPasswords) -> InitialValue | Pending:
    """Render a declared value, or take the generated password; none of ours where somebody else brings it.

    Under a previous name a value is kept, but for what the stack declares of it.

    Args:
        stack: the stack.
        secret: one of its secrets, without a value.
        passwords: generated values, out of their seal.

    Raises:
        SkippedError: while a rotation of the previous secret goes on.
        AwsError: if AWS refuses.
    """
    kept = previous_value(stack, secret)
    if isinstance(kept, Pending):
        return kept
    if isinstance(secret.value, DeclaredValue):
        return _declared(stack, secret, secret.value, kept)
    if kept is not None:
        return _kept(stack, secret, kept)
    if isinstance(secret.value, ExternalValue):
        how = put_command(secret.name, stack.account.region)
        return InitialValue(None, "external", None, f"without a value: {how}")
    password = passwords.get(str(secret.ref))
    if password is None:
        return Pending("lacks its value: materialise generated_passwords too")
    return _generated(stack, secret, secret.value, password)


def _generated(stack: Stack, secret: SecretSpec, value: GeneratedValue, password: SecretStr) -> InitialValue:
    if not value.fields:
        return InitialValue(password, "generated", None, "generated password", tags=generated_tag(stack, secret))
    fields, missing = known_fields(stack, secret)
    document = merge_document(None, {**fields, "password": password})
    complete = None if missing else field_inputs(stack, secret, fields)
    tags = generated_tag(stack, secret)
    return InitialValue(document, "generated", complete, "generated credentials", tags=tags)


def _declared(
    stack: Stack, secret: SecretSpec, value: DeclaredValue, kept: PreviousValue | None
) -> InitialValue | Pending:
    inputs = declared_inputs(stack, secret, confirmed=True)
    if isinstance(inputs, Pending):
        return inputs
    if kept is not None and is_rendered_from(kept.state, inputs):
        # A rotation, or whoever owns other keys of it, may have changed what was rendered.
        return _from(kept, kept.content, inputs, inputs)
    before = kept.content if kept is not None and value.document else None
    content = render(value, stack.resolve.leaves(secret), before)
    intent = inputs if kept is None else f"{inputs} over {kept.source}"
    return InitialValue(content, intent, inputs, "declared value")


def _kept(stack: Stack, secret: SecretSpec, kept: PreviousValue) -> InitialValue:
    """The value of the previous name, with the keys that the stack declares now."""
    if not isinstance(secret.value, GeneratedValue) or not secret.value.fields:
        return _from(kept, kept.content, None, "")
    fields, missing = known_fields(stack, secret)
    complete = None if missing else field_inputs(stack, secret, fields)
    return _from(kept, renamed(secret, kept.content, fields), complete, complete or "incomplete")


def _from(kept: PreviousValue, content: Content, inputs: str | None, what: str) -> InitialValue:
    intent, described = f"value of {kept.source} {what}", f"value of {kept.state.name}"
    tags = {GENERATED: kept.state.tags[GENERATED]} if kept.ours and GENERATED in kept.state.tags else {}
    return InitialValue(content, intent, inputs, described, ours=kept.ours, tags=tags)
