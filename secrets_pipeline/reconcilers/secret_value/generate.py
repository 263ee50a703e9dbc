"""Find generated secrets that lack a value, and generate their passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.reconcilers.secret_value.previous import takes_value
from secrets_pipeline.values.bundle import GeneratedPasswords
from secrets_pipeline.values.passwords import generate

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def lacking_values(stack: Stack) -> tuple[SecretSpec, ...]:
    """Find generated secrets that lack a value, existing or not; one that has a value, or is blocked, gets none.

    Nor does one that keeps the value of its previous name.
    """
    lacking = []
    for secret in (one for one in stack.spec.secrets if not one.blocked):
        state = stack.observed.secrets.get(secret.name)
        lacks = isinstance(secret.value, GeneratedValue) and (state is None or state.current_version is None)
        if lacks and not takes_value(stack, secret):
            lacking.append(secret)
    return tuple(lacking)


def generate_passwords(stack: Stack) -> GeneratedPasswords:
    """Generate a password for each secret that lacks one, in memory only."""
    return GeneratedPasswords(
        {
            str(secret.ref): generate(secret.value.policy)
            for secret in lacking_values(stack)
            if isinstance(secret.value, GeneratedValue)
        }
    )
