"""Resolve the keys beside the password in a generated credentials document: engine, host, port, username, dbname."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import SecretStr

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.errors import DocumentError, ExpressionError
from secrets_pipeline.reconcilers.state_output import sensitive_here
from secrets_pipeline.references.model import Expression
from secrets_pipeline.references.resolve import Pending, Plain, Secret, resolve
from secrets_pipeline.values.documents import field

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_PASSWORD = "password"  # noqa: S105 - the name of a key
_OPTIONAL = "dbname"
"""AWS's rotation templates do without it; a database of MySQL may be made without one."""


def known_fields(stack: Stack, secret: SecretSpec) -> tuple[dict[str, str | int | bool], tuple[Pending, ...]]:
    """Resolve the fields that have a value now, in order, and what the others wait for.

    Raises:
        ExpressionError: if a field resolves to a secret or to a structure.
    """
    if not isinstance(secret.value, GeneratedValue):
        raise TypeError("only a generated value has fields")
    known: dict[str, str | int | bool] = {}
    missing: list[Pending] = []
    for name, value in secret.value.fields.items():
        if not isinstance(value, Expression):
            known[name] = value
            continue
        match resolve(value, stack.resolve):
            case Pending(missing=True) if name == _OPTIONAL:
                continue
            case Pending() as pending:
                missing.append(pending)
            case Plain(value=str() | int() as plain):
                known[name] = plain
            case Plain():
                raise ExpressionError(f"field {name} of {secret.name} must be a string or a number")
            case Secret():
                if (sensitive := sensitive_here(stack, value)) is not None:
                    missing.append(replace(sensitive, reason=f"field {name}: {sensitive.reason}"))
                    continue
                raise ExpressionError(f"field {name} of {secret.name} must not be secret")
    return known, tuple(missing)


def password_in(secret: SecretSpec, value: SecretStr) -> SecretStr:
    """Take the password out of a value: that of a generated JSON, or of a JSON with a password that somebody brought.

    Raises:
        DocumentError: if a generated JSON has none any more.
    """
    if isinstance(secret.value, GeneratedValue):
        return field(value, (_PASSWORD,)) if secret.value.fields else value
    if secret.external:
        with contextlib.suppress(DocumentError):
            return field(value, (_PASSWORD,))
    return value


def kept_as_declared(secret: SecretSpec, fields: Mapping[str, str | int | bool]) -> dict[str, str | int | bool]:
    """Select the fields that stay as the stack says; the rotation function owns the others once they are written."""
    initial = secret.value.initial if isinstance(secret.value, GeneratedValue) else ()
    return {name: value for name, value in fields.items() if name not in initial}
