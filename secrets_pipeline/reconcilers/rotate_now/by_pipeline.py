"""Generate and write a new value for a secret that nothing else has to be told of: an API key, a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.reconcilers.observed.secret_state import PREVIOUS
from secrets_pipeline.reconcilers.secret_value.write import ValueWriter
from secrets_pipeline.rotation.steps import RotationStep, Watch
from secrets_pipeline.values.content import Content, text_of
from secrets_pipeline.values.documents import merge_document
from secrets_pipeline.values.passwords import generate

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.stack import Stack


def renewed(value: GeneratedValue, current: Content | None) -> SecretStr:
    """Generate a new password into a value; the other keys of a JSON value stay.

    Raises:
        DocumentError: if it should be JSON and is not.
    """
    password = generate(value.policy)
    if not value.fields:
        return password
    return merge_document(None if current is None else text_of(current), {"password": password})


def intent(state: SecretState) -> str:
    """Say what is being written: once a request, and the same for every try of it until AWSCURRENT moves.

    Where it was moved back to an older version by hand, the version that it was moved from is none of this request's.
    """
    return f"rotate {state.current_version} after {state.version(PREVIOUS)}"


class PipelineRotation:
    """Writes the new version itself, over the one that was read."""

    def __init__(self, stack: Stack, watch: Watch) -> None:
        self._stack = stack
        self._watch = watch

    def rotate(self, secret: SecretSpec) -> str:
        """Generate by the rule that the stack declares now; what is rendered from it follows.

        Raises:
            SkippedError: while a rotation is in progress.
            AwsError: if AWS refuses.
        """
        value = secret.value
        if not isinstance(value, GeneratedValue):
            raise TypeError(secret.name)  # `rotator_of` chose otherwise
        version = ValueWriter(self._stack).write(
            secret.name, intent=intent, inputs=None, make=lambda current: renewed(value, current)
        )
        self._watch(secret.name, RotationStep.CREATE)
        self._watch(secret.name, RotationStep.FINISH)
        return f"new value in version {version[:8]}…"
