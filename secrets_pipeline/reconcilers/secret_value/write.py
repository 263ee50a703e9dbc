"""Write a new version of a value: exactly once, and only over the version that was read.

The new version is staged under a label of ours; UpdateSecretVersionStage then moves AWSCURRENT from the version that
was read, which AWS refuses when somebody else moved it meanwhile.
Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.engine.model import NotYetError, SkippedError
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.secret_state import CURRENT, PENDING, PREVIOUS, SecretState
from secrets_pipeline.reconcilers.observed.tags import tag_list
from secrets_pipeline.reconcilers.secret_value.encryption import key_id, under_another_key
from secrets_pipeline.reconcilers.secret_value.generated_rule import generated_tag
from secrets_pipeline.reconcilers.secret_value.provenance import (
    COPIED,
    STAGED,
    UNKNOWN,
    copied_inputs_tag,
    inputs_tag,
    is_unfinished,
)
from secrets_pipeline.reconcilers.secret_value.rotation_end import after_rotation
from secrets_pipeline.reconcilers.secret_value.versions import Make, held_content, made_of_held, move_label, put_version
from secrets_pipeline.reconcilers.tag_keys import INPUTS, VALUE_KEY, VALUE_VERSION
from secrets_pipeline.values.content import Content

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_ATTEMPTS = 3

Done = Callable[[SecretState], bool]
"""Whether a secret's state says that the write is done already."""
Intent = Callable[[SecretState], str]
"""What is being written over the version of that state."""
Label = Callable[[SecretState], str]
"""The label to stage a version under, by the state that it replaces."""


def _staged(_state: SecretState) -> str:
    return STAGED


class ValueWriter:
    """Writes values of one stack's secrets."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._client = stack.account.client("secretsmanager")

    def token(self, secret: str, replaced: str | None, intent: str, value: Content | None = None) -> str:
        """Derive the version id of a write: the same for every try of the same write, and for no other.

        Args:
            secret: ARN, as one of the same name may have been deleted and made again; the name of one being made.
            replaced: id of the version that is replaced.
            intent: what is being written.
            value: what a secret is made with: another value of an earlier secret must not share its version id.
        """
        fingerprinter = self._stack.ownership.fingerprinter
        if fingerprinter is None:
            raise RuntimeError("values are written under the fingerprint key, which apply makes first")
        return fingerprinter.digest("version", secret, replaced or "", intent, value)

    def rewrite(self, name: str) -> str:
        """Write the same value as a new version under the KMS key that the secret has at the write; see `write`."""
        return self.write(
            name,
            intent=self._same_value,
            inputs=None,
            make=_same,
            done=lambda state: not under_another_key(self._stack, state),
            inherits=True,
            label=lambda state: STAGED if is_unfinished(state) else COPIED,
        )

    def _same_value(self, state: SecretState) -> str:
        # An alias that points elsewhere is another key by the same name.
        key = key_id(self._stack, state.kms_key_id)
        said = f"same value: {state.tags.get(VALUE_KEY)} → {key}"
        tried = self.token(state.arn, state.current_version, said)
        if tried not in state.versions:
            return said
        # Between two calls of the run that stored it somebody may have changed the secret's key.
        opening = self._stack.observed.secrets.version_keys_now(state, tried)
        known = {key_id(self._stack, one) for one in opening} <= {key}
        return said if known else f"{said}, unlike {tried}"

    def write(
        self,
        name: str,
        *,
        intent: str | Intent,
        inputs: str | None,
        make: Make,
        done: Done = lambda _state: False,
        inherits: bool = False,
        label: Label = _staged,
    ) -> str:
        """Write what `make` says over the current version, and record it in the tags.

        Args:
            name: secret name.
            intent: what is being written, as a fingerprint or a fixed word; part of the version's token. A function
                says it of what DescribeSecret shows before each try, as another run may have changed that meanwhile.
            inputs: goes into the `:inputs` tag; None keeps what stands there.
            make: renders the value; called once a try.
            done: whether somebody else's run has done it, judged by what DescribeSecret shows before each try.
            inherits: whether the secret part of the value is that of the version that was read: then the new version
                counts as ours only where that one did.
            label: what the new version is staged under; it stays there.

        Returns:
            The id of the version that is AWSCURRENT now; no version is written where that holds what it should.

        Raises:
            SkippedError: if the secret is not ours any more, while a rotation is in progress, or where one began
                meanwhile: it may bring back what it read.
            AwsError: if AWS refuses, or others kept changing the value.
        """
        # What the run knows may be as old as the run: a rotation may have started meanwhile.
        self._stack.observed.secrets.refresh(name)
        wrote = self._stack.ownership.marks.wrote
        for _ in range(_ATTEMPTS):
            before = self._own(name)
            current = before.current_version
            if current is not None and done(before):
                return current
            meant = intent if isinstance(intent, str) else intent(before)
            if current is not None and current == self.token(before.arn, before.version(PREVIOUS), meant):
                ours = not inherits or any(map(partial(wrote, before), (current, before.version(PREVIOUS))))
                return self._record(before, current, inputs, ours=ours, renewed=not inherits)
            if before.rotation_in_progress:
                after_rotation(self._stack, before)
                continue
            token = self.token(before.arn, current, meant)
            ours, value = not inherits or wrote(before, current), partial(made_of_held, self._stack, before, make)
            if current is not None and inputs is not None and token not in before.versions:
                held = held_content(self._stack, before)
                made = make(held)
                if made == held:
                    return self._record(before, current, inputs, ours=ours, renewed=False)
                value = partial(_same, made)
            if inherits and current is not None:
                before = self._announce_write(before, current, token if ours else None, renders=inputs is not None)
            if self._replace(before, token, value, label(before)):
                if current is not None and wrote(before, current):
                    self._stack.observed.secrets.replaced[current] = token
                return self._record(before, token, inputs, ours=ours, renewed=not inherits)
        raise AwsError(
            f"the value of {name} was changed by somebody else at each of {_ATTEMPTS} tries",
            remedy="Find out who writes it, then apply again.",
        )

    def stage_pending(self, before: SecretState, *, intent: str, make: Make) -> str:
        """Store a new version under AWSPENDING, as the first step of a rotation of ours, or find it there.

        Args:
            before: the secret as DescribeSecret shows it now.
            intent: see `write`.
            make: makes the value; not called where the version is there.

        Returns:
            The version's id.

        Raises:
            SkippedError: if a rotation of somebody else is in progress, or the secret is not ours any more.
            AwsError: if AWS refuses.
        """
        current = before.current_version
        token = self.token(before.arn, current, intent)
        pending = before.version(PENDING)
        if pending == token:
            return token
        # One that is AWSPREVIOUS has been current: its rotation ended, and was taken back by hand.
        if before.rotation_in_progress and pending != before.version(PREVIOUS):
            raise NotYetError(f"a rotation of {before.name} is in progress", remedy="Run again when it has finished.")
        if current is not None:
            before = self._announce_write(before, current, token, renders=False)
        put_version(self._stack, before, token, partial(made_of_held, self._stack, before, make), PENDING)
        after = self._stack.observed.secrets.refresh(before.name)
        if after is not None and after.version(PENDING) != token:
            self._stage_again(after, token)
        return token

    def _stage_again(self, state: SecretState, token: str) -> None:
        """Put AWSPENDING back on a version that an earlier try stored, and off which somebody took it."""
        held = state.version(PENDING)
        if state.rotation_in_progress or not move_label(self._stack, state, PENDING, to=token, away_from=held):
            raise NotYetError(f"a rotation of {state.name} began meanwhile", remedy="Run again when it has finished.")
        self._stack.observed.secrets.refresh(state.name)

    def promote(self, name: str, version: str) -> None:
        """Move AWSCURRENT to the version that waits under AWSPENDING, and record it as ours.

        AWSPENDING stays on it, which says that the rotation is over.
        Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html

        Raises:
            AwsError: if somebody else moved a label meanwhile, or AWS refuses.
        """
        before = self._own(name)
        current = before.current_version
        if current != version and (
            before.version(PENDING) != version
            or current is None
            or not move_label(self._stack, before, CURRENT, to=version, away_from=current)
        ):
            raise AwsError(
                f"the labels of {name} were moved by somebody else while it was rotated",
                remedy="Look at its versions: the database's password is in the one that was pending.",
            )
        self._stack.observed.secrets.refresh(name)
        self._record(before, version, None, ours=True, renewed=True)

    def _declared(self, name: str) -> SecretSpec | None:
        return next((one for one in self._stack.spec.secrets if one.name == name), None)

    def _state(self, name: str) -> SecretState:
        state = self._stack.observed.secrets.confirm(name)
        if state is None:
            raise AwsError(f"secret {name} does not exist", remedy="Apply again: it was deleted meanwhile.")
        return state

    def _own(self, name: str) -> SecretState:
        state = self._state(name)
        if not self._stack.ownership.owns(state):
            raise SkippedError(f"secret {name} is not ours any more")
        return state

    def _announce_write(self, before: SecretState, current: str, token: str | None, *, renders: bool) -> SecretState:
        """Tag the version to come as ours, and what it is rendered from as unknown, before it is stored.

        Killed behind it, no later run could tell that from another YAML: a rotation or a human may have copied it.
        """
        marks, tags = self._stack.ownership.marks, {}
        if token is not None and not marks.wrote(before, token):
            tags[VALUE_VERSION] = marks.versions(before.name, current, token)
        if renders and INPUTS in before.tags:
            tags[INPUTS] = inputs_tag(UNKNOWN, current)
        return self._tag(before, tags) if tags.items() - before.tags.items() else before

    def _tag(self, state: SecretState, tags: dict[str, str]) -> SecretState:
        with calling("TagResource", state.name):
            self._client.tag_resource(SecretId=state.arn, Tags=tag_list(tags))
        tagged = replace(state, tags={**state.tags, **tags})
        self._stack.observed.secrets.note(tagged)
        return tagged

    def _replace(self, before: SecretState, token: str, value: Callable[[], Content], label: str) -> bool:
        """Stage the new version and move AWSCURRENT to it; False where somebody else moved it first."""
        current = before.current_version
        rotated = current is not None and before.version(PENDING) == current
        # Left on a version that is not current any more, AWSPENDING would look like a rotation in progress for ever.
        # Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
        if rotated and not move_label(self._stack, before, PENDING, away_from=current):
            return False
        current_at_once = token not in before.versions and put_version(self._stack, before, token, value, label)
        if not current_at_once and not move_label(self._stack, before, CURRENT, to=token, away_from=current):
            return False
        self._stack.observed.secrets.refresh(before.name)
        return True

    def _record(self, before: SecretState, version: str, inputs: str | None, *, ours: bool, renewed: bool) -> str:
        state = self._own(before.name)
        # The key of the version is the one that the secret had when it was written.
        tags = {VALUE_KEY: key_id(self._stack, before.kms_key_id)}
        if ours:
            tags[VALUE_VERSION] = self._stack.ownership.marks.version(state.name, version)
        if renewed and (secret := self._declared(before.name)) is not None:
            tags |= generated_tag(self._stack, secret, {**state.tags, **tags})
        rotated = state.rotation_in_progress or state.last_rotated_at != before.last_rotated_at
        said = inputs_tag(inputs, version) if inputs else copied_inputs_tag(before, version)
        if said and not rotated:
            tags[INPUTS] = said
        elif inputs:
            tags[INPUTS] = inputs_tag(UNKNOWN, version)
        if any(state.tags.get(key) != value for key, value in tags.items()):
            self._tag(state, tags)
        if rotated:
            raise NotYetError(
                f"a rotation of {state.name} began meanwhile", remedy="Run again when it has finished: it is compared."
            )
        return state.current_version or version


def _same(current: Content | None) -> Content:
    if current is None:
        raise AwsError("there is no value to write again", remedy="Apply again: it was deleted meanwhile.")
    return current
