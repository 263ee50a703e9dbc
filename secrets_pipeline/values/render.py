"""Render a declared value: literals and references in, one secret value out."""

from __future__ import annotations

import json
from collections.abc import Callable

from pydantic import SecretStr

from secrets_pipeline.desired.value.model import DeclaredValue, Leaf, document_of
from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.references.resolve import Pending, Plain, Resolved, Secret
from secrets_pipeline.values.content import Content, from_base64, text_of
from secrets_pipeline.values.documents import merge_document, storable

LeafValue = Callable[[Leaf], Resolved]
"""Reads the YAML behind a leaf and resolves its references."""


def render(value: DeclaredValue, resolve: LeafValue, current: Content | None) -> Content:
    """Render `value` over `current`: in a JSON value only the declared keys are ours.

    Args:
        value: what the stack declares.
        resolve: gives each leaf its value.
        current: the value now; None where there is none.

    Raises:
        ExpressionError: if a leaf has no value yet.
        DocumentError: if keys are declared and the current value is not a JSON object, bytes are declared and their
            Base64 is none, or AWS would not take the value.
    """
    if not value.document:
        text = _text(resolve(value.leaves[0]))
        return from_base64(text) if value.binary else storable(text)
    before = None if current is None else text_of(current)
    return merge_document(before, document_of({leaf.path: _tree(resolve(leaf), leaf) for leaf in value.leaves}))


def _text(resolved: Resolved) -> SecretStr:
    match resolved:
        case Secret(value=secret):
            return secret
        case Plain(value=str() as text):
            return SecretStr(text)
        case Plain(value=bool() | int() | float() as scalar):
            return SecretStr(str(scalar).lower() if isinstance(scalar, bool) else str(scalar))
        case Pending(reason=reason):
            raise ExpressionError(reason)
        case Plain():
            raise ExpressionError("the value is not text", remedy="Write a map under secret_data for a JSON value.")


def _tree(resolved: Resolved, leaf: Leaf) -> object:
    match resolved:
        case Plain(value=plain):
            return plain
        case Secret(value=secret, is_json=True):
            return json.loads(secret.get_secret_value())
        case Secret(value=secret):
            return secret
        case Pending(reason=reason):
            raise ExpressionError(f"{'.'.join(map(str, leaf.path))}: {reason}")
