"""Plan and apply one stage's declared resources together with those that left the YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from secrets_pipeline.engine.apply import Reconciler
from secrets_pipeline.engine.model import Change, ChangeClass


class WithOrphans:
    """Reconciles what is declared, and what left the YAML.

    Args:
        declared: of what the stack declares.
        orphans: of what it does not, by kind of resource; each kind is pruned after the kinds before it.
    """

    def __init__(self, declared: Reconciler, orphans: Mapping[str, Reconciler]) -> None:
        self._declared = declared
        self._orphans = orphans

    def plan(self) -> Sequence[Change]:
        """Plan what is declared, then the orphans, each kind after the kinds before it."""
        changes = list(self._declared.plan())
        before: tuple[str, ...] = ()
        for orphans in self._orphans.values():
            found = [replace(one, after=(*one.after, *before)) for one in orphans.plan()]
            before += tuple(one.resource.name for one in found if one.action is ChangeClass.PRUNE)
            changes += found
        return changes

    def apply(self, change: Change) -> str:
        """Give a change to the reconciler that planned it; see `engine.Reconciler`."""
        pruned = change.action is ChangeClass.PRUNE
        return (self._orphans[change.resource.kind] if pruned else self._declared).apply(change)
