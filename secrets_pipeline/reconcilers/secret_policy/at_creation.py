"""Put the declared policy on a new secret right behind its CreateSecret, by PutResourcePolicy.

The two calls have quotas of their own: a thousand secrets with policies take as long as without. And a secret stands
without its policy for a moment instead of until all others are made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.engine.apply import Reconciler
from secrets_pipeline.engine.model import Change
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.reconcilers.secret_policy.reconciler import SecretPolicyReconciler

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.reconcilers.stack import Stack


class PolicyAtCreation:
    """Runs a reconciler of secrets, and puts the policy on each secret that it makes.

    Args:
        stack: the stack.
        reconciler: makes the secrets.
    """

    def __init__(self, stack: Stack, reconciler: Reconciler) -> None:
        self._stack = stack
        self._reconciler = reconciler
        # The stage of policies waits for principals, once for all secrets.
        self._policies = SecretPolicyReconciler(stack)
        self._later = read_before_policies(stack.spec)

    def plan(self) -> Sequence[Change]:
        """Plan as the reconciler does; see `engine.Reconciler`."""
        return self._reconciler.plan()

    def apply(self, change: Change) -> str:
        """Make one change true, and put the policy where that made a secret; see `engine.Reconciler`."""
        done = self._reconciler.apply(change)
        name = change.resource.name
        if name in self._stack.observed.secrets.made and name not in self._later:
            # The stage of policies tries again what could not be put, and tells it.
            with contextlib.suppress(SecretsPipelineError), self._stack.observed.sessions.patience.none():
                self._policies.put_at_creation(name)
        return done


def read_before_policies(spec: StackSpec) -> frozenset[str]:
    """Name the secrets that this stack's other values and databases need before policies are put.

    Their policies may keep the pipeline itself from reading them.
    """
    needed = {ref for secret in spec.secrets for ref in secret.depends_on}
    needed |= {database.password for database in spec.databases if database.password}
    return frozenset(secret.name for secret in spec.secrets if secret.ref in needed or secret.needs_endpoint)
