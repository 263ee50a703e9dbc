"""The commit mark: written last, on every secret of which all parts are as the stack says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from secrets_pipeline.access import same_policy
from secrets_pipeline.aws import calling
from secrets_pipeline.engine import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.reconcilers import desired
from secrets_pipeline.reconcilers.marks import SPEC
from secrets_pipeline.reconcilers.rotation import rotation_differences
from secrets_pipeline.reconcilers.secret import SecretReconciler, waits_for_endpoint
from secrets_pipeline.reconcilers.states import tag_list
from secrets_pipeline.references import Pending
from secrets_pipeline.spec import SecretSpec

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

KIND = "commit"


class CommitReconciler:
    """Marks of one stack's secrets."""

    def __init__(self, context: StackContext) -> None:
        self._context = context
        self._secrets = {secret.name: secret for secret in context.spec.secrets}

    def plan(self) -> Sequence[Change]:
        """One change a secret whose mark does not say what the stack says."""
        return [change for secret in self._secrets.values() if (change := self._plan(secret)) is not None]

    def apply(self, change: Change) -> str:
        """Write the mark; see `engine.Reconciler`."""
        secret = self._secrets[change.resource.name]
        state = self._context.inventory.confirm(secret.name)
        digest = desired.digest(self._context, secret)
        if state is None or digest is None:
            raise SkippedError("is not finished yet")
        if not self._context.owns(state):
            raise SkippedError(f"secret {secret.name} is not ours")
        mark = self._context.marks.finished(state.arn, self._context.owner(secret), digest)
        with calling("TagResource", secret.name):
            self._context.account.client("secretsmanager").tag_resource(SecretId=state.arn, Tags=tag_list({SPEC: mark}))
        self._context.inventory.note(replace(state, tags={**state.tags, SPEC: mark}))
        return "finished"

    def _plan(self, secret: SecretSpec) -> Change | None:
        context = self._context
        resource = Resource(KIND, secret.name, secret.ref.component, secret.ref.key)
        state = context.inventory.secret(secret.name)
        if state is None or state.deleted_at is not None:
            return None
        if not context.owns(state) or desired.finished(context, state, secret):
            return None
        open_parts = self._open(secret)
        if open_parts or desired.digest(context, secret) is None:
            return Change(resource, ChangeClass.BLOCKED, (f"not finished: {', '.join(open_parts) or 'waits'}",))
        return Change(resource, ChangeClass.UPDATE, ("every part is as declared",))

    def _open(self, secret: SecretSpec) -> list[str]:
        context = self._context
        state = context.inventory.secret(secret.name)
        secrets = SecretReconciler(context, connections=waits_for_endpoint(secret))
        policy, rotation = desired.policy(context, secret), desired.rotation(context, secret)
        parts = list(secrets.open_parts(secret))
        if isinstance(policy, Pending) or not same_policy(context.inventory.policy(secret.name), policy):
            parts.append("policy")
        if isinstance(rotation, Pending) or (state is not None and rotation_differences(state, rotation)):
            parts.append("rotation")
        return parts
