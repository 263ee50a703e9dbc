"""Resolve the named references of a consumer for delivery."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.engine.reason import Because, Differs, Reason
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.references.model import Expression
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def resolved(stack: Stack, entries: Mapping[str, Expression]) -> dict[str, str] | Pending:
    """Resolve every entry to text; the first thing that is still missing where one cannot be.

    Raises:
        ExpressionError: if an entry is secret.
    """
    values = {}
    for name, expression in entries.items():
        text = stack.resolve.text(expression)
        if isinstance(text, Pending):
            return Pending(f"{name}: {text.reason}")
        values[name] = text
    return values


def as_text(stack: Stack, *sections: Mapping[str, Expression]) -> str | Pending:
    """Write all entries of some sections as one text, the same for the same entries; or what is still missing."""
    values: list[dict[str, str]] = []
    for entries in sections:
        try:
            section = resolved(stack, entries)
        except SecretsPipelineError as error:
            # Planning the delivery itself says so.
            return Pending(error.message)
        if isinstance(section, Pending):
            return section
        values.append(section)
    return json.dumps(values, sort_keys=True)


def differing(observed: Mapping[str, str], wanted: Mapping[str, str], noun: str) -> tuple[Reason, ...]:
    """Name each entry that differs as a reason; the values themselves are not shown."""
    return tuple(
        Differs(f"{noun} {name}") if name in observed else Because(f"{noun} {name} is missing")
        for name, value in wanted.items()
        if observed.get(name) != value
    )
