"""Find under which KMS key a secret and its value are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.tag_keys import VALUE_KEY

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


DEFAULT_KEY = "default"
"""Stands for `aws/secretsmanager`."""


def key_id(stack: Stack, key: str | None) -> str:
    """Find the id behind any spelling of a KMS key; `default` for `aws/secretsmanager`."""
    return DEFAULT_KEY if key is None else stack.observed.keys.key_id(key) or key


def key_name(stack: Stack, key: str | None) -> str:
    """Name a KMS key for a human, by its alias where it has one; `default` for `aws/secretsmanager`."""
    return DEFAULT_KEY if key is None else stack.observed.keys.called(key)


def under_another_key(stack: Stack, state: SecretState) -> bool:
    """Whether a change of key stopped before the value was written again under the new one."""
    return state.tags.get(VALUE_KEY) not in (None, key_id(stack, state.kms_key_id))
