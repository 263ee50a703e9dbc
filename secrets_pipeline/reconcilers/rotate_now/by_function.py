"""Rotate by the secret's own function: call RotateSecret, and follow it through its four steps.

DescribeSecret shows where the labels are; what a step did, and why one failed, stands in the function's log alone.
Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.errors import AwsError, SecretsPipelineError
from secrets_pipeline.reconcilers.rotation_function.log import FunctionLog
from secrets_pipeline.reconcilers.secret_value.read import read_content
from secrets_pipeline.rotation.log import Heard
from secrets_pipeline.rotation.steps import RotationStep, Watch

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.stack import Stack

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 3.0
_REATTEMPTED = "InvalidRequestException"


class FunctionRotation:
    """Rotates one secret by its function.

    Args:
        stack: the secret's stack.
        watch: told of each step that is done.
        seconds: how long to follow it.
    """

    def __init__(self, stack: Stack, watch: Watch, *, seconds: float) -> None:
        self._stack = stack
        self._watch = watch
        self._clock = stack.run.clock
        self._deadline = self._clock() + seconds
        self._done: set[RotationStep] = set()

    def rotate(self, state: SecretState) -> str:
        """Start the rotation, or go on with the one that is pending, and wait for its end.

        Raises:
            AwsError: if AWS refuses, the function fails, or the end does not come in time; the rotation stays pending
                then, and the text says what the function said.
        """
        log = FunctionLog(self._stack, state)
        version = self._start(state)
        pause = _FIRST_PAUSE
        while True:
            now = self._stack.observed.secrets.refresh(state.name)
            heard = log.heard(version)
            moved = now is not None and now.current_version == version
            if now is not None and moved and self._is_new(state, now):
                for step in RotationStep:
                    self._note(state.name, step)
                return f"version {version[:8]}… is current"
            for step in heard.done:
                self._note(state.name, step)
            if heard.failure or self._clock() >= self._deadline:
                raise _unproven(state) if moved else self._unfinished(state, now, heard)
            self._stack.run.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _start(self, state: SecretState) -> str:
        """The version that is being made: of a pending rotation the same, which AWS attempts again."""
        version = state.pending_version or str(uuid4())
        try:
            with calling("RotateSecret", state.name):
                self._stack.account.client("secretsmanager").rotate_secret(
                    SecretId=state.arn, ClientRequestToken=version
                )
        except AwsError as error:
            # Another one began a moment ago.
            now = self._stack.observed.secrets.refresh(state.name)
            if error.code != _REATTEMPTED or now is None or now.pending_version is None:
                raise
            return now.pending_version
        return version

    def _is_new(self, before: SecretState, now: SecretState) -> bool:
        """Whether the version that became current is known to be of a rotation: anybody may move the label.

        Raises:
            AwsError: if it holds no value, or that of the one before.
        """
        holds = ""
        try:
            # Compared in memory; neither is kept.
            new = read_content(self._stack, now, version=now.current_version)
            if new == read_content(self._stack, before, version=before.current_version):
                holds = "the value of the one before"
        except SecretsPipelineError as error:
            if not (isinstance(error, AwsError) and error.missing):
                return now.last_rotated_at is not None and now.last_rotated_at != before.last_rotated_at
            holds = "no value"
        if holds:
            raise AwsError(
                f"the rotation of {before.name} made a version current that holds {holds}",
                remedy=f"What was in use may be so still: mend {_function(now)}, then run "
                f"`secrets-pipeline rotate {before.name}` again.",
            )
        return True

    def _note(self, name: str, step: RotationStep) -> None:
        if step not in self._done:
            self._done.add(step)
            self._watch(name, step)

    def _unfinished(self, state: SecretState, now: SecretState | None, heard: Heard) -> AwsError:
        if now is None:
            return AwsError(f"secret {state.name} was deleted while it was rotated")
        said = heard.failure or "nobody knows why: its log says nothing that we may read"
        done = f"after {', '.join(step for step in RotationStep if step in self._done)}" if self._done else "at once"
        return AwsError(
            f"the rotation of {state.name} stopped {done}: {said}",
            remedy=f"It stays pending: mend what {_function(now)} says, then run "
            f"`secrets-pipeline rotate {state.name}` again.",
        )


def _unproven(state: SecretState) -> AwsError:
    return AwsError(
        f"AWSCURRENT of {state.name} is on the new version, and nothing shows that it was rotated: its values cannot "
        "be read, and Secrets Manager gives it no new LastRotatedDate",
        remedy="Let the pipeline's role read it (secretsmanager:GetSecretValue, kms:Decrypt), or compare its versions.",
    )


def _function(state: SecretState) -> str:
    return (state.rotation_lambda_arn or "its function").rsplit(":", 1)[-1]
