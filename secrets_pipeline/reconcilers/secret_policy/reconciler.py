"""Put resource policies on secrets: what the stack declares and what readers in other accounts need."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, TypeAlias

from secrets_pipeline.access.policy_text.canonical import canonical, compact, same_policy
from secrets_pipeline.access.policy_text.differences import policy_details
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.limits import POLICY_BYTES
from secrets_pipeline.desired.policy.principals import readers
from secrets_pipeline.engine.model import Change, ChangeClass, NewReader, Resource
from secrets_pipeline.engine.reason import Because, ChangedOutside, Follows
from secrets_pipeline.reconcilers.marks.secret_mark import Part
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret
from secrets_pipeline.reconcilers.secret.part import FOLLOWS, UNREAD, PartReconciler
from secrets_pipeline.reconcilers.secret.part_mark import withdraw_digest
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.references.resolve import Pending

KIND = "secret-policy"
Document: TypeAlias = dict[str, Any]


class SecretPolicyReconciler(PartReconciler[Document]):
    """Puts resource policies on one stack's secrets.

    Args:
        stack: the stack.
        deep: whether policies are read where the mark vouches for them; None for what the run says.
    """

    kind = KIND
    part = Part.POLICY

    def __init__(self, stack: Stack, *, deep: bool | None = None) -> None:
        super().__init__(stack, deep=deep)

    def declared(self, secret: DesiredSecret) -> Document | Pending | None:
        """Resolve the policy document."""
        return secret.policy

    def follow(self, resource: Resource, secret: DesiredSecret) -> Change:
        """Plan the policy of a new secret, statement by statement; see `PartReconciler`."""
        change, declared = super().follow(resource, secret), self.declared(secret)
        details = policy_details(None, None if isinstance(declared, Pending) else declared)
        reasons = change.reasons if FOLLOWS not in change.reasons else ()
        return replace(change, reasons=(*reasons, Follows(FOLLOWS.problem, details=details))) if details else change

    def compare(
        self, resource: Resource, secret: DesiredSecret, state: SecretState, declared: Document | None
    ) -> Change | None:
        """Compare with what GetResourcePolicy shows; see `PartReconciler`."""
        if resource.name in self._stack.observed.secrets.policies_at_creation:
            return self.follow(resource, secret)
        made = secret.made(state, self.part)
        if made and not self._deep:
            return Change(resource, ChangeClass.NONE, (UNREAD,)) if declared else None
        if self._deep:
            self._stack.observed.secrets.forget_own_policy(resource.name)
        observed = self._stack.observed.secrets.policy(resource.name)
        if same_policy(observed, declared):
            return Change(resource, ChangeClass.NONE) if declared else None
        action = ChangeClass.UPDATE if observed else ChangeClass.CREATE
        reason = (
            "policy differs" if observed and declared else "no policy yet" if declared else "policy is not declared"
        )
        because = Because(reason, details=policy_details(observed, declared))
        said = ChangedOutside(because) if made else because
        return Change(resource, action, (said,), drift=made, lets_read=self._new_readers(secret, observed, declared))

    def _new_readers(
        self, secret: DesiredSecret, observed: str | None, declared: Document | None
    ) -> tuple[NewReader, ...]:
        account = self._stack.account.account_id
        before, after = (readers(_statements(one), account) for one in (observed, declared))
        return tuple(NewReader(one, secret.name) for one in after if one not in before)

    def write(self, secret: DesiredSecret, state: SecretState, declared: Document | None) -> str:
        """Call PutResourcePolicy or DeleteResourcePolicy, unless it was put at creation; see `PartReconciler`."""
        secrets = self._stack.observed.secrets
        at_creation = secret.name in secrets.policies_at_creation
        secrets.policies_at_creation.discard(secret.name)
        if at_creation and isinstance(state.policy, str) and same_policy(state.policy, declared):
            return _told(declared)
        state = withdraw_digest(self._stack, state, self.part)
        client = self._stack.account.client("secretsmanager")
        if declared is None:
            with secrets.writing_policy(state, None), calling("DeleteResourcePolicy", secret.name):
                client.delete_resource_policy(SecretId=state.arn)
            return _told(None)
        text = compact(declared, longest=POLICY_BYTES)
        with secrets.writing_policy(state, text), calling("PutResourcePolicy", secret.name):
            client.put_resource_policy(SecretId=state.arn, ResourcePolicy=text, BlockPublicPolicy=True)
        return _told(declared)

    def put_at_creation(self, name: str) -> None:
        """Call PutResourcePolicy for a secret that this run has just made, where the stack declares a policy.

        Raises:
            AwsError: if AWS refuses.
        """
        secret, state = self._secrets[name], self._stack.observed.secrets.get(name)
        declared = self.declared(secret)
        if state is not None and isinstance(declared, dict):
            self.write(secret, state, declared)
            self._stack.observed.secrets.policies_at_creation.add(name)


def _statements(document: Document | str | None) -> list[dict[str, Any]]:
    text = canonical(document)
    statements: list[dict[str, Any]] = json.loads(text)["Statement"] if text else []
    return statements


def _told(declared: Document | None) -> str:
    if declared is None:
        return "policy removed"
    count = len(declared["Statement"])
    return f"{count} statement{'s' if count > 1 else ''}"
