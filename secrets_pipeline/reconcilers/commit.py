"""The commit mark: written last, on every secret of which all parts are as the stack says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from secrets_pipeline.access import same_policy
from secrets_pipeline.aws import calling
from secrets_pipeline.engine import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.reconcilers import desired, rotation, secret_policy
from secrets_pipeline.reconcilers.fields import known_fields
from secrets_pipeline.reconcilers.marks import INPUTS, PARTS, SPEC, had_part
from secrets_pipeline.reconcilers.planning import plan_secrets
from secrets_pipeline.reconcilers.secret import SecretReconciler, waits_for_endpoint
from secrets_pipeline.reconcilers.states import tag_list
from secrets_pipeline.reconcilers.value_inputs import field_inputs
from secrets_pipeline.references import Pending
from secrets_pipeline.spec import GeneratedValue, SecretSpec

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
        return plan_secrets(self._context, KIND, self._plan)

    def apply(self, change: Change) -> str:
        """Write the mark; see `engine.Reconciler`."""
        secret = self._secrets[change.resource.name]
        state = self._context.inventory.confirm(secret.name)
        digest = desired.digest(self._context, secret)
        if state is None or digest is None:
            raise SkippedError("is not finished yet")
        if not self._context.owns(state):
            raise SkippedError(f"secret {secret.name} is not ours")
        # The plan believed a list that may be old.
        if open_parts := self._open(secret):
            raise SkippedError(f"not finished: {', '.join(open_parts)}")
        mark = self._context.marks.finished(state.arn, self._context.owner(secret), digest)
        tags = {SPEC: mark, PARTS: desired.parts(self._context, secret)}
        with calling("TagResource", secret.name):
            self._context.account.client("secretsmanager").tag_resource(SecretId=state.arn, Tags=tag_list(tags))
        self._context.inventory.note(replace(state, tags={**state.tags, **tags}))
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
        policy, wanted = desired.policy(context, secret), desired.rotation(context, secret)
        parts = list(secrets.open_parts(secret))
        if state is None:
            return parts
        ours = policy is not None or had_part(state, secret_policy.KIND)
        if ours and (isinstance(policy, Pending) or not same_policy(context.inventory.policy(secret.name), policy)):
            parts.append("policy")
        ours = wanted is not None or had_part(state, rotation.KIND)
        if ours and (isinstance(wanted, Pending) or rotation.rotation_differences(state, wanted)):
            parts.append("rotation")
        if secret.replicas:
            parts.append("replicas")
        if isinstance(secret.value, GeneratedValue) and secret.value.fields:
            fields, missing = known_fields(context, secret)
            if missing or state.tags.get(INPUTS) != field_inputs(context, secret, fields):
                parts.append("fields beside the password")
        return parts
