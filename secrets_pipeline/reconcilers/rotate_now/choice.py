"""Choose how each secret gets a new value, from what the stack declares and what AWS shows of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.secret_value.external import put_command


class Rotator(Enum):
    """Who makes the new value."""

    FUNCTION = "its rotation function"
    SERVICE = "the service that owns it"
    PIPELINE = "this pipeline"
    DATABASE = "this pipeline, in the database first"


@dataclass(frozen=True, slots=True)
class NotRotatable:
    """Why nobody can rotate a secret as it is.

    Attributes:
        reason: why, as the rest of a sentence about the secret.
        remedy: what to do instead.
    """

    reason: str
    remedy: str


def rotator_of(spec: StackSpec, secret: SecretSpec, state: SecretState) -> Rotator | NotRotatable:
    """Choose who rotates one secret.

    Args:
        spec: its stack.
        secret: as declared.
        state: as AWS shows it.
    """
    if state.rotation_enabled:
        return Rotator.SERVICE if state.owning_service else Rotator.FUNCTION
    if secret.rotation is not None:
        return NotRotatable(
            "its rotation is not switched on yet", f"Run `secrets-pipeline apply -s {spec.stack}` first."
        )
    if not isinstance(secret.value, GeneratedValue):
        return _declared(spec, secret)
    if database_of(spec, secret) is not None:
        return Rotator.DATABASE
    if "engine" in secret.value.fields:
        return NotRotatable(
            "nobody could tell its database the new password",
            "Give it a rotation function: rotation: {managed: true}.",
        )
    return Rotator.PIPELINE


def database_of(spec: StackSpec, secret: SecretSpec) -> DatabaseSpec | None:
    """Find the database whose master password a secret is."""
    return next((database for database in spec.databases if database.password == secret.ref), None)


def _declared(spec: StackSpec, secret: SecretSpec) -> NotRotatable:
    if secret.external:
        return NotRotatable(
            "somebody else brings its value", f"Put a new one: {put_command(secret.name, spec.target.region)}"
        )
    sources = [spec.secret(ref).name for ref in secret.depends_on if spec.has(ref)]
    if sources:
        return NotRotatable(f"it is rendered from {', '.join(sources)}", f"Rotate {sources[0]}: it follows.")
    return NotRotatable("its value stands in the YAML", "Change it where it comes from, then apply.")


def roots(spec: StackSpec, names: Iterable[str]) -> tuple[str, ...]:
    """Find what to rotate so that the values of these secrets change: themselves, or what they are rendered from.

    Returns:
        Names in the stack's order. One that is rendered from nothing that can be rotated stands for itself.
    """
    wanted = set(names)
    found = {root for secret in spec.secrets if secret.name in wanted for root in _roots(spec, secret)}
    return tuple(secret.name for secret in spec.secrets if secret.ref in found)


def _roots(spec: StackSpec, secret: SecretSpec) -> Iterator[SecretRef]:
    generated = [
        ref for ref in secret.depends_on if spec.has(ref) and isinstance(spec.secret(ref).value, GeneratedValue)
    ]
    if isinstance(secret.value, GeneratedValue) or not generated:
        yield secret.ref
    else:
        yield from generated
