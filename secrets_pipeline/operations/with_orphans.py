"""Plan and apply in one stage what the stack declares, and what it does not declare any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from secrets_pipeline.engine.apply import Reconciler, plan_stage
from secrets_pipeline.engine.model import Change, ChangeClass
from secrets_pipeline.reconcilers.orphaned_key import reconciler as orphaned_key


class WithOrphans:
    """Reconciles secrets that are declared, then secrets and keys that left the YAML.

    Args:
        declared: of the secrets that the stack declares.
        secrets: of those that it does not.
        keys: of the keys that it does not declare; a key goes after all secrets, as each may be moving away from it.
    """

    def __init__(self, declared: Reconciler, secrets: Reconciler, keys: Reconciler) -> None:
        self._declared = declared
        self._secrets = secrets
        self._keys = keys

    def plan(self) -> Sequence[Change]:
        """Plan what is declared, then the orphans."""
        changes = [*self._declared.plan(), *plan_stage("secrets that left the YAML", self._secrets)]
        first = tuple(one.resource.name for one in changes if one.action.writes)
        return [*changes, *(replace(one, after=first) for one in self._keys.plan())]

    def apply(self, change: Change) -> str:
        """Give a change to the reconciler that planned it; see `engine.Reconciler`."""
        if change.action is not ChangeClass.PRUNE:
            return self._declared.apply(change)
        return (self._keys if change.resource.kind == orphaned_key.KIND else self._secrets).apply(change)
