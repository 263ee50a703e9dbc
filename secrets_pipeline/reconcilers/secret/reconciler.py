"""Plan and apply secrets: name, description, KMS key, tags, and the value at creation.

Creates, restores, adopts and updates; a value that exists is never regenerated. Values that wait for a database are
written by `connection`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, ChangedOutside, Differs, Need, Reason, Remark
from secrets_pipeline.errors import AwsError, SecretsPipelineError
from secrets_pipeline.reconcilers.needed import needs_of
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.secret.adoption import kept_note, nothing_to_adopt
from secrets_pipeline.reconcilers.secret.apply import NameTaken, SecretWriter
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret, desired_secrets
from secrets_pipeline.reconcilers.secret.ownership import Claim, claimed
from secrets_pipeline.reconcilers.secret.plan import differences, reasons
from secrets_pipeline.reconcilers.secret.tags import too_many_tags
from secrets_pipeline.reconcilers.secret_value.external import lacks_its_value, value_missing
from secrets_pipeline.reconcilers.secret_value.generated_rule import other_rule
from secrets_pipeline.reconcilers.secret_value.inputs import value_waits, waits_for_endpoint
from secrets_pipeline.reconcilers.secret_value.plan import foreign_value
from secrets_pipeline.reconcilers.secret_value.previous import rename_reason, takes_value
from secrets_pipeline.reconcilers.secret_value.taken_in import reason_to_write
from secrets_pipeline.references.resolve import Pending
from secrets_pipeline.values.bundle import NO_PASSWORDS, GeneratedPasswords

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "secret"


class SecretReconciler:
    """Plans and applies the secrets of one stack.

    Args:
        stack: the stack.
        passwords: generated values, for secrets that have none yet.
        connections: False for the secrets that need no endpoint, True for those that do.
        rewritten: names of secrets whose value is about to change; what is rendered from them changes too.
    """

    def __init__(
        self,
        stack: Stack,
        *,
        passwords: GeneratedPasswords = NO_PASSWORDS,
        connections: bool = False,
        rewritten: Collection[str] = (),
    ) -> None:
        self._stack = stack
        self._passwords = passwords
        self._rewritten = dict.fromkeys(rewritten, True)
        self._all = desired_secrets(stack)
        self._secrets = {
            name: secret for name, secret in self._all.items() if waits_for_endpoint(secret.spec) is connections
        }

    def plan(self) -> Sequence[Change]:
        """Plan one change a declared secret."""
        return [planned(_resource(secret.spec), partial(self._plan, secret)) for secret in self._secrets.values()]

    def apply(self, change: Change) -> str:
        """Create, restore, adopt or update one secret; see `engine.Reconciler`."""
        name = change.resource.name
        secret, writes = self._secrets[name], SecretWriter(self._stack, self._passwords)
        if change.action is ChangeClass.CREATE:
            return self._create(writes, secret)
        state = self._stack.observed.secrets.confirm_again(name)
        if state is None:
            return self._create(writes, secret)
        # The list only nominated it: what DescribeSecret shows may belong to somebody else.
        action, why = claimed(self._stack, state, secret.spec)
        if action is ChangeClass.BLOCKED:
            raise SkippedError(str(why))
        done = []
        if state.deleted_at is not None:
            state = writes.restore(state)
            done.append("restored")
            action, why = claimed(self._stack, state, secret.spec)
            if action is ChangeClass.BLOCKED:
                raise SkippedError(f"restored, and then: {why}")
        return ", ".join([*done, *writes.update(state, secret)]) or "nothing differed any more"

    def _create(self, writes: SecretWriter, secret: DesiredSecret) -> str:
        made = writes.create(secret)
        if not isinstance(made, NameTaken):
            return made
        # The list was stale, or an earlier try got through: plan again on what DescribeSecret said.
        change = self._plan(secret)
        if change.action is ChangeClass.BLOCKED:
            raise SkippedError(change.reason)
        return self.apply(change) if change.action.writes else "existed already"

    def _plan(self, secret: DesiredSecret) -> Change:
        stack, resource = self._stack, _resource(secret.spec)
        if secret.spec.blocked:
            problems = tuple(map(Because, secret.spec.problems))
            return Change(resource, ChangeClass.BLOCKED, problems, remedy="; ".join(secret.spec.remedies))
        needs = tuple(stack.spec.secret(ref).name for ref in secret.spec.depends_on)
        state = stack.observed.secrets.get(secret.name)
        action, why = claimed(self._stack, state, secret.spec)
        if action is ChangeClass.BLOCKED:
            return Change(resource, action, (why,) if why is not None else (), depends_on=needs)
        before = self._renamed(state, secret)
        if before is not None and not isinstance(before, Remark):
            return Change(resource, ChangeClass.BLOCKED, (before,), depends_on=needs)
        if state is None:
            return Change(
                resource,
                action,
                (*self._takes_in(secret), *self._notes(state, secret, before)),
                depends_on=needs,
                needs=self._waits(secret),
                rewrites=action is ChangeClass.CREATE and not secret.spec.external,
            )
        return self._compared(secret, state, (action, why), needs, before)

    def _compared(
        self, secret: DesiredSecret, state: SecretState, decided: Claim, needs: tuple[str, ...], before: Reason | None
    ) -> Change:
        stack, resource, (action, why) = self._stack, _resource(secret.spec), decided
        found = differences(stack, state, secret)
        drift, differs = reasons(state, secret, found)
        rewrites = any(one.rewrites for one in found)
        if not rewrites:
            sources = [need for need in needs if self._rewrites(need)]
            differs += tuple(Because(f"value is rendered from {source}, which changes") for source in sources)
            rewrites = bool(sources)
        if (found or why is not None) and (full := too_many_tags(stack, state, secret, rewrites=rewrites)):
            said = (*([why] if why is not None else ()), *differs)
            return Change(resource, ChangeClass.BLOCKED, (*said, full), drift=drift, depends_on=needs)
        notes = self._notes(state, secret, before)
        if why is not None:
            outside = action is ChangeClass.RESTORE and secret.finished(state)
            why = ChangedOutside(why) if outside else why
            stays = kept_note(stack, state, secret) if action is ChangeClass.ADOPT else None
            said = (why, *differs, *([stays] if stays else ()), *notes)
            waits = self._waits(secret, state)
            return Change(
                resource, action, said, drift=drift or outside, depends_on=needs, needs=waits, rewrites=rewrites
            )
        differs += self._window(state, secret)
        if differs:
            said, waits = (*differs, *notes), self._waits(secret, state)
            return Change(
                resource, ChangeClass.UPDATE, said, drift=drift, depends_on=needs, needs=waits, rewrites=rewrites
            )
        kept = None if secret.spec.external else foreign_value(stack, state)
        said = (*([kept] if kept else ()), *notes)
        return Change(resource, ChangeClass.NONE, said, drift=bool(kept), depends_on=needs)

    def _waits(self, secret: DesiredSecret, state: SecretState | None = None) -> tuple[Need, ...]:
        """Return what the secret needs before it can be made or changed: its key, and what its value is rendered from.

        The fields of a generated document need not be there: `connection` completes them.
        """
        key = secret.kms_key if state is None else secret.kms_key_of(state)
        waits = [key] if isinstance(key, Pending) else []
        if isinstance(secret.spec.value, DeclaredValue):
            # If AWS refuses to tell, an apply says so.
            with contextlib.suppress(AwsError):
                waits += value_waits(self._stack, secret.spec)
        return needs_of(waits)

    def _takes_in(self, secret: DesiredSecret) -> tuple[Reason, ...]:
        """Return the reason that lists what a new secret's value takes in; empty if it takes in nothing."""
        why = reason_to_write(self._stack, secret.spec, None, "new value")
        return (why,) if why.details else ()

    def _renamed(self, state: SecretState | None, secret: DesiredSecret) -> Reason | None:
        """What becomes of a value under another name; None where the secret gets none from here."""
        lacks = state is None or (state.current_version is None and not secret.spec.external)
        return rename_reason(self._stack, secret.spec) if lacks else None

    def _notes(self, state: SecretState | None, secret: DesiredSecret, before: Reason | None) -> tuple[Reason, ...]:
        """What a human should know of the value beside the plan."""
        missing = lacks_its_value(secret.spec, state) and not (state is None and takes_value(self._stack, secret.spec))
        rule = other_rule(self._stack, secret.spec, state) if state is not None else None
        # A glob may mean others.
        nothing = (
            nothing_to_adopt(self._stack) if state is None and secret.name in self._stack.run.options.adopt else None
        )
        said = (nothing, before, value_missing(self._stack, secret.spec) if missing else None, rule)
        return tuple(one for one in said if one is not None)

    def _rewrites(self, name: str) -> bool:
        """Whether the value of a secret, of this stage or another, is about to change; asked once for each."""
        if name not in self._rewritten:
            # One that cannot be planned changes nothing, and says so itself.
            self._rewritten[name] = False
            with contextlib.suppress(SecretsPipelineError):
                self._rewritten[name] = self._is_rewritten(self._all[name])
        return self._rewritten[name]

    def _is_rewritten(self, secret: DesiredSecret) -> bool:
        state = self._stack.observed.secrets.get(secret.name)
        if state is None or secret.spec.blocked or claimed(self._stack, state, secret.spec)[0] is ChangeClass.BLOCKED:
            return False
        if any(one.rewrites for one in differences(self._stack, state, secret)):
            return True
        return any(self._rewrites(self._stack.spec.secret(ref).name) for ref in secret.spec.depends_on)

    def _window(self, state: SecretState, secret: DesiredSecret) -> tuple[Reason, ...]:
        """The mark keeps the recovery window for the day on which the secret has left the YAML."""
        commit = self._stack.ownership.marks.verify(state).commit
        if commit is None or commit.recovery_days == secret.spec.recovery_window_in_days:
            return ()
        return (Differs("recovery window", commit.recovery_days, f"{secret.spec.recovery_window_in_days} days"),)


def _resource(secret: SecretSpec) -> Resource:
    return Resource(KIND, secret.name, secret.ref.component, secret.ref.key)
