"""Resource policies of secrets: what the stack declares and what readers in other accounts need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access.policy_text.principals import principals
from secrets_pipeline.access.policy_text.write import compact, same_policy
from secrets_pipeline.aws.consistency import NEW_PRINCIPAL
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.limits import POLICY_BYTES
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, ChangedOutside, NotOurs, Waits
from secrets_pipeline.reconcilers.each_secret import plan_secrets
from secrets_pipeline.reconcilers.marks.secret_mark import Part
from secrets_pipeline.reconcilers.secret import desired
from secrets_pipeline.reconcilers.secret.part_mark import take
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "secret-policy"


class SecretPolicyReconciler:
    """Resource policies of one stack's secrets.

    A policy that the mark speaks of is not read: the verification does that. With `deep`, every policy is.
    """

    def __init__(self, stack: Stack, *, deep: bool | None = None) -> None:
        self._stack = stack
        self._deep = stack.run.options.deep if deep is None else deep
        self._secrets = {secret.name: secret for secret in stack.spec.secrets}

    def plan(self) -> Sequence[Change]:
        """One change a secret that has, or should have, a policy."""
        return plan_secrets(self._stack, KIND, self._plan)

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        secret = self._secrets[change.resource.name]
        state = self._stack.observed.secrets.confirm_again(secret.name)
        if state is None or state.deleted_at is not None:
            raise SkippedError(f"secret {secret.name} does not exist yet")
        if not self._stack.ownership.owns(state):
            raise SkippedError(f"secret {secret.name} is not ours")
        document = desired.policy(self._stack, secret)
        if isinstance(document, Pending):
            raise SkippedError(document.reason)
        state = take(self._stack, state, Part.POLICY)
        client = self._stack.account.client("secretsmanager")
        if document is None:
            with calling("DeleteResourcePolicy", secret.name):
                client.delete_resource_policy(SecretId=state.arn)
            self._stack.observed.secrets.note(replace(state, policy=None))
            return "policy removed"
        text = compact(document, longest=POLICY_BYTES)
        put = partial(client.put_resource_policy, SecretId=state.arn, ResourcePolicy=text, BlockPublicPolicy=True)
        self._stack.run.patience.until_visible(
            "PutResourcePolicy", secret.name, put, lag=NEW_PRINCIPAL, subject=", ".join(principals(document))
        )
        self._stack.observed.secrets.note(replace(state, policy=text))
        count = len(document["Statement"])
        return f"{count} statement{'s' if count > 1 else ''}"

    def _plan(self, resource: Resource, secret: SecretSpec) -> Change | None:
        stack = self._stack
        document = desired.policy(stack, secret)
        state = stack.observed.secrets.get(secret.name)
        if isinstance(document, Pending):
            return Change(resource, ChangeClass.UPDATE, (Waits(document.reason),))
        if state is None or state.deleted_at is not None:
            return Change(resource, ChangeClass.CREATE, (Because("follows the secret"),)) if document else None
        if not stack.ownership.owns(state):
            return Change(resource, ChangeClass.BLOCKED, (NotOurs("the secret is not ours"),)) if document else None
        if document is None and stack.ownership.marks.keeps(state, Part.POLICY):
            return None
        made = desired.made(stack, state, secret, Part.POLICY)
        if made and not self._deep:
            unread = (Because("not read: `verify` and `plan --deep` do"),)
            return Change(resource, ChangeClass.NONE, unread) if document else None
        return self._compare(resource, document, made=made)

    def _compare(self, resource: Resource, document: dict[str, Any] | None, *, made: bool) -> Change | None:
        observed = self._stack.observed.secrets.policy(resource.name)
        if same_policy(observed, document):
            return Change(resource, ChangeClass.NONE) if document else None
        action = ChangeClass.UPDATE if observed else ChangeClass.CREATE
        reason = (
            "policy differs" if observed and document else "no policy yet" if document else "policy is not declared"
        )
        said = ChangedOutside(Because(reason)) if made else Because(reason)
        return Change(resource, action, (said,), drift=made)
