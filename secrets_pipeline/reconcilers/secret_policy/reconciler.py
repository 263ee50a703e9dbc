"""Put resource policies on secrets: what the stack declares and what readers in other accounts need."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from secrets_pipeline.access.policy_text.principals import principals
from secrets_pipeline.access.policy_text.write import compact, same_policy
from secrets_pipeline.aws.consistency import NEW_PRINCIPAL
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.limits import POLICY_BYTES
from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import Because, ChangedOutside
from secrets_pipeline.reconcilers.marks.secret_mark import Part
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret
from secrets_pipeline.reconcilers.secret.part import UNREAD, PartReconciler
from secrets_pipeline.reconcilers.secret.part_mark import withdraw_digest
from secrets_pipeline.references.resolve import Pending

KIND = "secret-policy"
Document: TypeAlias = dict[str, Any]


class SecretPolicyReconciler(PartReconciler[Document]):
    """Puts resource policies on one stack's secrets."""

    kind = KIND
    part = Part.POLICY

    def declared(self, secret: DesiredSecret) -> Document | Pending | None:
        """Resolve the policy document."""
        return secret.policy

    def compare(
        self, resource: Resource, secret: DesiredSecret, state: SecretState, declared: Document | None
    ) -> Change | None:
        """Compare with what GetResourcePolicy shows; see `PartReconciler`."""
        made = secret.made(state, self.part)
        if made and not self._deep:
            return Change(resource, ChangeClass.NONE, (UNREAD,)) if declared else None
        observed = self._stack.observed.secrets.policy(resource.name)
        if same_policy(observed, declared):
            return Change(resource, ChangeClass.NONE) if declared else None
        action = ChangeClass.UPDATE if observed else ChangeClass.CREATE
        reason = (
            "policy differs" if observed and declared else "no policy yet" if declared else "policy is not declared"
        )
        said = ChangedOutside(Because(reason)) if made else Because(reason)
        return Change(resource, action, (said,), drift=made)

    def write(self, secret: DesiredSecret, state: SecretState, declared: Document | None) -> str:
        """Call PutResourcePolicy or DeleteResourcePolicy; see `PartReconciler`."""
        state = withdraw_digest(self._stack, state, self.part)
        client = self._stack.account.client("secretsmanager")
        if declared is None:
            with calling("DeleteResourcePolicy", secret.name):
                client.delete_resource_policy(SecretId=state.arn)
            self._stack.observed.secrets.note(replace(state, policy=None))
            return "policy removed"
        text = compact(declared, longest=POLICY_BYTES)
        put = partial(client.put_resource_policy, SecretId=state.arn, ResourcePolicy=text, BlockPublicPolicy=True)
        self._stack.run.patience.until_visible(
            "PutResourcePolicy", secret.name, put, lag=NEW_PRINCIPAL, subject=", ".join(principals(declared))
        )
        self._stack.observed.secrets.note(replace(state, policy=text))
        count = len(declared["Statement"])
        return f"{count} statement{'s' if count > 1 else ''}"
