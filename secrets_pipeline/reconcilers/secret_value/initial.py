"""Render or take the value that a secret is created with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import DeclaredValue, ExternalValue
from secrets_pipeline.reconcilers.secret_value.external import put_command
from secrets_pipeline.reconcilers.secret_value.fields import known_fields
from secrets_pipeline.reconcilers.secret_value.inputs import declared_inputs, field_inputs
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
    """

    value: Content | None
    intent: str
    inputs: str | None
    described: str


def initial_value(stack: Stack, secret: SecretSpec, passwords: GeneratedPasswords) -> InitialValue | Pending:
    """Render a declared value, or take the generated password; none of ours where somebody else brings it.

    Args:
        stack: the stack.
        secret: one of its secrets, without a value.
        passwords: generated values, out of their seal.
    """
    if isinstance(secret.value, ExternalValue):
        return InitialValue(
            None, "external", None, f"without a value: {put_command(secret.name, stack.account.region)}"
        )
    if isinstance(secret.value, DeclaredValue):
        inputs = declared_inputs(stack, secret, confirmed=True)
        if isinstance(inputs, Pending):
            return inputs
        return InitialValue(render(secret.value, stack.resolve.leaves(secret), None), inputs, inputs, "declared value")
    password = passwords.get(str(secret.ref))
    if password is None:
        return Pending("lacks its value: materialise generated_passwords too")
    if not secret.value.fields:
        return InitialValue(password, "generated", None, "generated password")
    fields, missing = known_fields(stack, secret)
    document = merge_document(None, {**fields, "password": password})
    complete = None if missing else field_inputs(stack, secret, fields)
    return InitialValue(document, "generated", complete, "generated credentials")
