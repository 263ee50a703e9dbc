"""Write a new version of a value: exactly once, and only over the version that was read.

The new version is staged under a label of ours; UpdateSecretVersionStage then moves AWSCURRENT from the version that
was read, which AWS refuses when somebody else moved it meanwhile.
Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import SecretStr

from secrets_pipeline.aws import AwsError, calling
from secrets_pipeline.engine import SkippedError
from secrets_pipeline.reconcilers.marks import INPUTS, VALUE_KEY, VALUE_VERSION
from secrets_pipeline.reconcilers.secret_differences import key_id
from secrets_pipeline.reconcilers.states import CURRENT, PENDING, PREVIOUS, SecretState, tag_list
from secrets_pipeline.reconcilers.stored_value import read_value

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

STAGED = "SECRETS_PIPELINE_STAGED"
_ATTEMPTS = 3

Make = Callable[[SecretStr | None], SecretStr]
"""The value that was read (None where there is none) → the value to write."""


class ValueWriter:
    """Writes values of one stack's secrets."""

    def __init__(self, context: StackContext) -> None:
        self._context = context
        self._client = context.account.client("secretsmanager")

    def token(self, secret: str, replaced: str | None, intent: str, value: SecretStr | None = None) -> str:
        """The version id that a write gets: the same for every try of the same write, and for no other.

        Args:
            secret: ARN, as one of the same name may have been deleted and made again; the name of one being made.
            replaced: id of the version that is replaced.
            intent: what is being written.
            value: what a secret is made with; a generated value of an earlier secret must not share its version id.
        """
        fingerprinter = self._context.fingerprinter
        if fingerprinter is None:
            raise RuntimeError("values are written under the fingerprint key, which apply makes first")
        return fingerprinter.digest("version", secret, replaced or "", intent, value)

    def rewrite(self, name: str, *, reason: str) -> str:
        """Write the same value as a new version, for example under a new KMS key; see `write`."""
        state = self._state(name)
        return self.write(name, intent=f"same value: {reason}", inputs=state.tags.get(INPUTS), make=_same)

    def write(self, name: str, *, intent: str, inputs: str | None, make: Make) -> str:
        """Write what `make` says over the current version, and record it in the tags.

        Args:
            name: secret name.
            intent: what is being written, as a fingerprint or a fixed word; part of the version's token.
            inputs: becomes the `:inputs` tag; None leaves it out.
            make: renders the value; called once a try.

        Returns:
            The id of the version that is AWSCURRENT now.

        Raises:
            SkippedError: while a rotation is in progress, or if the secret is not ours any more.
            AwsError: if AWS refuses, or others kept changing the value.
        """
        # What the run knows may be as old as the run: a rotation may have started meanwhile.
        self._context.inventory.refresh(name)
        for _ in range(_ATTEMPTS):
            state = self._own(name)
            current = state.current_version
            if current is not None and current == self.token(state.arn, state.version(PREVIOUS), intent):
                break
            if state.rotation_in_progress:
                raise SkippedError(f"a rotation of {name} is in progress", remedy="Run again when it has finished.")
            if self._replace(state, current, intent, make):
                break
        else:
            raise AwsError(
                f"the value of {name} was changed by somebody else at each of {_ATTEMPTS} tries",
                remedy="Find out who writes it, then apply again.",
            )
        return self._record(self._own(name), inputs)

    def _state(self, name: str) -> SecretState:
        state = self._context.inventory.confirm(name)
        if state is None:
            raise AwsError(f"secret {name} does not exist", remedy="Apply again: it was deleted meanwhile.")
        return state

    def _own(self, name: str) -> SecretState:
        state = self._state(name)
        if not self._context.owns(state):
            raise SkippedError(f"secret {name} is not ours any more")
        return state

    def _replace(self, state: SecretState, current: str | None, intent: str, make: Make) -> bool:
        token = self.token(state.arn, current, intent)
        if token not in state.versions:
            value = make(read_value(self._context, state, version=current) if current else None)
            stages = [STAGED] if current else [CURRENT]
            # Our own token with another rendering: an earlier try stored it; what is stored is kept.
            stored = contextlib.suppress(self._client.exceptions.ResourceExistsException)
            with calling("PutSecretValue", state.name), stored:
                self._client.put_secret_value(
                    SecretId=state.arn,
                    ClientRequestToken=token,
                    SecretString=value.get_secret_value(),
                    VersionStages=stages,
                )
        if current is not None:
            try:
                self._finish_rotation(state, current)
                with calling("UpdateSecretVersionStage", state.name):
                    self._client.update_secret_version_stage(
                        SecretId=state.arn, VersionStage=CURRENT, MoveToVersionId=token, RemoveFromVersionId=current
                    )
            except AwsError as error:
                if error.code != "InvalidParameterException":
                    raise
                self._context.inventory.refresh(state.name)
                return False
        self._context.inventory.refresh(state.name)
        return True

    def _finish_rotation(self, state: SecretState, current: str) -> None:
        """Take AWSPENDING off a version that is current: left behind, it would pass for a rotation in progress."""
        if PENDING not in state.versions[current]:
            return
        with calling("UpdateSecretVersionStage", state.name):
            self._client.update_secret_version_stage(
                SecretId=state.arn, VersionStage=PENDING, RemoveFromVersionId=current
            )

    def _record(self, state: SecretState, inputs: str | None) -> str:
        version = state.current_version or ""
        tags = {VALUE_VERSION: version, VALUE_KEY: key_id(self._context, state.kms_key_id)}
        if inputs:
            tags[INPUTS] = inputs
        if any(state.tags.get(key) != value for key, value in tags.items()):
            with calling("TagResource", state.name):
                self._client.tag_resource(SecretId=state.arn, Tags=tag_list(tags))
            self._context.inventory.note(replace(state, tags={**state.tags, **tags}))
        return version


def _same(current: SecretStr | None) -> SecretStr:
    if current is None:
        raise AwsError("there is no value to write again", remedy="Apply again: it was deleted meanwhile.")
    return current
